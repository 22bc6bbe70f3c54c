-- Give jobs that have not started back to the right end of their queues (or to the left end).
-- KEYS     1 owner record, then for each queue: list, in-flight hash, idle owners
-- ARGV     1 epoch, 2 'first' or 'last', then for each queue how many ids,
--          then all ids in that order, newest first
-- returns  {'fenced'} or {'stale'}, or {'ok', how many went back, text of an error or ''}
redis.call('HDEL', KEYS[1], '')
local seen = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '')
if not seen then return {'fenced'} end
if seen > tonumber(ARGV[1]) then return {'stale'} end
if seen < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'epoch', ARGV[1]) end
local queues = (#KEYS - 1) / 3
local at, moved, problem = 2 + queues, 0, ''
local push = ARGV[2] == 'last' and 'LPUSH' or 'RPUSH'
for q = 1, queues do
  local list, flight, back = KEYS[q * 3 - 1], KEYS[q * 3], 0
  for _ = 1, tonumber(ARGV[2 + q]) do
    at = at + 1
    local held = redis.call('HGET', flight, ARGV[at])
    if held then
      redis.call('HDEL', flight, ARGV[at])
      local wrote = redis.pcall(push, list, held)
      if type(wrote) == 'table' and wrote.err then
        redis.call('HSET', flight, ARGV[at], held)
        problem = wrote.err
      else
        back = back + 1
      end
    end
  end
  moved = moved + back
  ring(KEYS[q * 3 + 1], back)
end
return {'ok', moved, problem}
