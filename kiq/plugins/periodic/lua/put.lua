-- An entry by hand: it is added, or takes the place of what was there under its name.
-- KEYS     1 entries, 2 due, 3 channel of who ticks, 4 waiting
-- ARGV     1 name, 2 definition, 3 next tick or '', 4 what has to be there, or ''
-- returns  1, or 0 where something else was there
redis.call('HDEL', KEYS[1], '')
local there = redis.call('HGET', KEYS[1], ARGV[1])
if (there or '') ~= ARGV[4] then return 0 end
if there == ARGV[2] then return 1 end
local old, new = nil, cjson.decode(ARGV[2])
if there then
  local read, found = pcall(cjson.decode, there)
  if read and type(found) == 'table' then old = found end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if not old or old.identity ~= new.identity or old.enabled ~= new.enabled or not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  redis.call('HDEL', KEYS[4], ARGV[1])
  if ARGV[3] == '' then redis.call('ZREM', KEYS[2], ARGV[1]) else redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1]) end
end
redis.pcall('PUBLISH', KEYS[3], '1')
return 1
