-- Give jobs that have not started back to the right end of their queues (or to the left end).
-- KEYS     1 owner record, 2 set of queues, then for each queue: list, in-flight hash, idle owners
-- ARGV     1 epoch, 2 'first' or 'last', then for each queue: name, how many ids,
--          then all ids in that order, newest first
-- returns  {'fenced'} or {'stale'}, or {'ok', how many went back, text of an error or ''}: what could
--          not go back is in flight as before
-- At either end the jobs keep their order.
redis.call('HDEL', KEYS[1], '')
local seen = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '')
if not seen then return {'fenced'} end
if seen > tonumber(ARGV[1]) then return {'stale'} end
if seen < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'epoch', ARGV[1]) end
local moved, problem = 0, ''

-- Returns true when the job went back.
local function give_back(push, list, flight, id)
  local held = redis.pcall('HGET', flight, id)
  if not held then return false end
  if held.err then problem = held.err; return false end
  redis.call('HDEL', flight, id)
  local wrote = redis.pcall(push, list, held)
  if type(wrote) == 'table' then
    redis.call('HSET', flight, id, held)
    problem = wrote.err
    return false
  end
  return true
end

local at = 3 + 2 * ((#KEYS - 2) / 3)
for k = 3, #KEYS, 3 do
  local q = (k - 3) / 3
  local name, after = ARGV[3 + 2 * q], at + tonumber(ARGV[4 + 2 * q])
  local push, first, last, step = 'RPUSH', at, after - 1, 1
  if ARGV[2] == 'last' then push, first, last, step = 'LPUSH', after - 1, at, -1 end
  local back = 0
  for i = first, last, step do
    if give_back(push, KEYS[k], KEYS[k + 1], ARGV[i]) then back = back + 1 end
  end
  if back > 0 then redis.pcall('SADD', KEYS[2], name) end
  ring(KEYS[k + 2], back)
  moved, at = moved + back, after
end
return {'ok', moved, problem}
