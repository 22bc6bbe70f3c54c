-- Count the copies of a job at one moment, and leave the first alone if that is asked for.
-- KEYS     the key of each place, the one to keep first
-- ARGV     1 '1' to take out all copies but the first that is there, else '0'; then for each place
--          2 'list', 'zset' or 'hash', 3 the job's bytes there, 4 in a hash its field
-- returns  {how many copies there were, how many were taken out}
local found, gone, first = 0, 0, true

local function count(kind, key, member, field)
  local reply
  if kind == 'list' then
    reply = redis.pcall('LPOS', key, member, 'COUNT', 0)
    return type(reply) == 'table' and not reply.err and #reply or 0
  end
  if kind == 'zset' then reply = redis.pcall('ZSCORE', key, member)
    return type(reply) == 'string' and 1 or 0
  end
  return redis.pcall('HGET', key, field) == member and 1 or 0
end

local function take(kind, key, member, field, times)
  if kind == 'list' then return redis.call('LREM', key, times, member) end
  if kind == 'zset' then return redis.call('ZREM', key, member) end
  return redis.call('HDEL', key, field)
end

for i = 1, #KEYS do
  local kind, member, field = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
  local here = count(kind, KEYS[i], member, field)
  local over = here
  if here > 0 and first then over, first = here - 1, false end
  found = found + here
  if ARGV[1] == '1' and over > 0 then gone = gone + take(kind, KEYS[i], member, field, over) end
end
return {found, gone}
