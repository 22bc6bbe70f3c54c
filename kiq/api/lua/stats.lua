-- Read the numbers of the front page.
-- KEYS     1 stat:processed, 2 stat:failed, 3 schedule, 4 retry, 5 dead, 6 processes, 7 queues,
--          8 the default queue's list
-- ARGV     1 what a queue's key begins with
-- returns  processed, failed, the sizes of the three sets, how many processes, how many jobs they run,
--          the oldest job of the default queue or '', then name and size of each queue
-- A key of the wrong type counts as 0: the other numbers are of use all the same.
local function number(reply) return type(reply) == 'table' and 0 or reply or 0 end
local function members(key)
  local names = redis.pcall('SMEMBERS', key)
  return names.err and {} or names
end

local processes, busy = 0, 0
for _, identity in ipairs(members(KEYS[6])) do
  -- One whose hash is gone has died; it is still on the list until somebody prunes it.
  local jobs = redis.pcall('HGET', identity, 'busy')
  if type(jobs) == 'string' then
    processes, busy = processes + 1, busy + tonumber(jobs:match('^%d%d?%d?%d?%d?%d?$') or 0)
  end
end
local oldest = redis.pcall('LINDEX', KEYS[8], -1)
local result = {
  number(redis.pcall('GET', KEYS[1])), number(redis.pcall('GET', KEYS[2])),
  number(redis.pcall('ZCARD', KEYS[3])), number(redis.pcall('ZCARD', KEYS[4])),
  number(redis.pcall('ZCARD', KEYS[5])), processes, busy, type(oldest) == 'string' and oldest or '',
}
for _, name in ipairs(members(KEYS[7])) do
  result[#result + 1] = name
  result[#result + 1] = number(redis.pcall('LLEN', ARGV[1] .. name))
end
return result
