-- Move members of a sorted set, with the very bytes, to a score in another one, or in the same.
-- KEYS     1 sorted set, 2 dead reasons, 3 suspects, 4 target
-- ARGV     1 score, 2 channel of the poller, 3 dead-set cut (score), 4 dead-set size,
--          5... members (a hundred at most)
-- returns  the places (the first is 1) of those that were there and moved;
--          an error when the target refused: then all are where they were
local first = redis.pcall('ZRANGE', KEYS[4], 0, 0)[1]
local raws, scores, places = take(KEYS[1], 5, #ARGV)
if #raws == 0 then return {} end
for i = 1, #raws do
  local wrote = redis.pcall('ZADD', KEYS[4], ARGV[1], raws[i])
  if type(wrote) == 'table' then
    put_back(KEYS[1], raws, scores)
    return wrote
  end
end
if KEYS[4] ~= 'dead' then
  forget(KEYS[1], KEYS[2], KEYS[3], raws)
  if redis.call('ZRANGE', KEYS[4], 0, 0)[1] ~= first then redis.pcall('PUBLISH', ARGV[2], '1') end
  return places
end

-- As move.lua does for workers: at most a thousand at a time, the oldest first.
local old = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. ARGV[3], 'LIMIT', 0, 1000)
local over = redis.call('ZCARD', KEYS[4]) - #old - tonumber(ARGV[4])
if over > 0 then
  local extra = redis.call('ZRANGE', KEYS[4], #old, #old + math.min(over, 1000) - 1)
  for i = 1, #extra do old[#old + 1] = extra[i] end
end
for i = 1, #old do redis.call('ZREM', KEYS[4], old[i]) end
forget(KEYS[4], KEYS[2], KEYS[3], old)
return places
