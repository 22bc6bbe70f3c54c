-- Move members of a sorted set to a score in another one, or in the same.
-- KEYS     1 sorted set, 2 dead set, 3 dead reasons, 4 suspects, 5 target, 6 channel of the poller, then
--          for each member that is to run its state as an iterable job
-- ARGV     1 score, 2 dead-set cut (score), 3 dead-set size, 4 how many members (a hundred at most),
--          5... members, then what goes to the target for each; without these, the very bytes
-- returns  how many the dead set dropped, then the places (the first is 1) of those that were there and
--          moved; an error when the target refused: then all are where they were
local first = redis.pcall('ZRANGE', KEYS[5], 0, 0)[1]
local count = tonumber(ARGV[4])
local raws, scores, places = take(KEYS[1], 5, 4 + count)
if #raws == 0 then return {0} end
for i = 1, #raws do
  local job = ARGV[4 + count + places[i]] or raws[i]
  local wrote = redis.pcall('ZADD', KEYS[5], ARGV[1], job)
  if type(wrote) == 'table' then
    put_back(KEYS[1], raws, scores)
    return wrote
  end
end
for i = 1, #raws do keep(scores[i], raws[i], ARGV[4 + count + places[i]] or '', '', '') end
if KEYS[5] ~= KEYS[2] then
  forget(KEYS[1], KEYS[2], KEYS[3], KEYS[4], raws)
  uncancel(6, places)
  if redis.call('ZRANGE', KEYS[5], 0, 0)[1] ~= first then redis.pcall('PUBLISH', KEYS[6], '1') end
  return {0, unpack(places)}
end

-- As move.lua does for workers: at most a thousand at a time, the oldest first.
local old = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[2], 'LIMIT', 0, 1000)
local over = redis.call('ZCARD', KEYS[5]) - #old - tonumber(ARGV[3])
if over > 0 then
  local extra = redis.call('ZRANGE', KEYS[5], #old, #old + math.min(over, 1000) - 1)
  for i = 1, #extra do old[#old + 1] = extra[i] end
end
for i = 1, #old do redis.call('ZREM', KEYS[5], old[i]) end
forget(KEYS[2], KEYS[2], KEYS[3], KEYS[4], old)
return {#old, unpack(places)}
