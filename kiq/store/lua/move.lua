-- Settle one job that goes somewhere: its field leaves the hash only if it arrives.
-- KEYS     1 in-flight hash, 2 target, 3 stat:processed, 4 of the day, 5 stat:failed, 6 of the day,
--          7 dead reasons, 8 suspects, 9 markers, 10 idle owners of the queue, 11 set of queues
-- ARGV     1 delivery id, 2 kind: 'drop' 'zset' 'dead' 'first' 'last', 3 score, in seconds from now,
--          4 payload (for a zset or the dead set; '' and a queue: the same bytes as in flight),
--          5 processed, 6 failed, 7 TTL of a day's counter, 8 level of suspicion from now on, 'kept', or
--          '' when it is no suspect, 9 seconds that the dead set keeps, 10 its size, 11 reason,
--          12 queue name ('': a claim from a sorted set, "score|payload"), 13 owner, 14 seconds that a
--          suspicion lasts
-- returns  {0} when it was not in flight any more, else {1, number trimmed from the dead set};
--          an error when the target refused: then the job is in flight as before
redis.call('HDEL', KEYS[1], '')
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return {0} end
redis.call('HDEL', KEYS[1], ARGV[1])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local own = ARGV[12] == '' and held:match('^[^|]*|(.*)$') or held
local kind, bytes, wrote = ARGV[2], own, nil
if (kind == 'zset' or kind == 'dead') and ARGV[4] ~= '' then bytes = ARGV[4] end
if kind == 'zset' or kind == 'dead' then
  wrote = redis.pcall('ZADD', KEYS[2], string.format('%.6f', now + ARGV[3]), bytes)
elseif kind == 'first' then wrote = redis.pcall('RPUSH', KEYS[2], bytes)
elseif kind == 'last' then wrote = redis.pcall('LPUSH', KEYS[2], bytes)
end
if type(wrote) == 'table' and wrote.err then
  redis.call('HSET', KEYS[1], ARGV[1], held)
  return redis.error_reply(wrote.err)
end

local function count(total, day, by)
  if by == '0' then return end
  redis.pcall('INCRBY', total, by)
  redis.pcall('INCRBY', day, by)
  redis.pcall('EXPIRE', day, ARGV[7])
end
count(KEYS[3], KEYS[4], ARGV[5])
count(KEYS[5], KEYS[6], ARGV[6])

if ARGV[8] ~= '' then
  local sha = redis.sha1hex(own)
  local marker, mine = redis.pcall('HGET', KEYS[9], sha), ARGV[13] .. ' ' .. ARGV[1] .. ' '
  if type(marker) == 'string' and marker:sub(1, #mine) == mine then redis.pcall('HDEL', KEYS[9], sha) end
  if ARGV[8] == '0' then
    redis.pcall('HDEL', KEYS[8], sha)
  elseif ARGV[8] ~= 'kept' then
    redis.pcall('HSET', KEYS[8], sha, ARGV[8] .. ':' .. (time[1] + ARGV[14]))
  end
end

if kind == 'first' or kind == 'last' then
  redis.pcall('SADD', KEYS[11], ARGV[12])
  ring(KEYS[10], 1)
end
if kind ~= 'dead' then return {1, 0} end

if ARGV[11] ~= '' then redis.pcall('HSET', KEYS[7], redis.sha1hex(bytes), ARGV[11]) end
local cut = string.format('(%.6f', now - ARGV[9])
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', cut, 'LIMIT', 0, 1000)
local over = redis.call('ZCARD', KEYS[2]) - #old - tonumber(ARGV[10])
if over > 0 then
  local extra = redis.call('ZRANGE', KEYS[2], #old, #old + math.min(over, 1000) - 1)
  for i = 1, #extra do old[#old + 1] = extra[i] end
end
local reasons = #old > 0 and redis.pcall('HLEN', KEYS[7])
for i = 1, #old do
  redis.call('ZREM', KEYS[2], old[i])
  if type(reasons) == 'number' and reasons > 0 then redis.call('HDEL', KEYS[7], redis.sha1hex(old[i])) end
end
return {1, #old}
