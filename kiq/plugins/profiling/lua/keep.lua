-- Keep a profile for its time.
-- KEYS     1 sorted set of profiles, 2 hash of this one
-- ARGV     1 now, 2 TTL (seconds), 3 its name, 4 how many are kept, 5... fields and values
-- returns  {1, names of the oldest, which are too many (a thousand at most)...}; {0} when something else
--          is at the place of the hash: then nothing is done
local there = redis.call('TYPE', KEYS[2]).ok
if there ~= 'none' and not (there == 'hash' and redis.call('HEXISTS', KEYS[2], 'token') == 1) then
  return {0}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('DEL', KEYS[2])
for at = 5, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[1] + ARGV[2], ARGV[3])
local over = math.min(1000, redis.call('ZCARD', KEYS[1]) - ARGV[4])
if over <= 0 then return {1} end
return {1, unpack(redis.call('ZRANGE', KEYS[1], 0, over - 1))}
