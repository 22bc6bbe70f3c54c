-- Read the numbers of the front page.
-- KEYS     1 stat:processed, 2 stat:failed, 3 schedule, 4 retry, 5 dead, 6 queues,
--          7 what a queue's key begins with, then the lists of the default queue and its bands
-- ARGV     none
-- returns  processed, failed, the sizes of the three sets, the oldest job of each of those lists or '',
--          then name and size of each queue, and of each band of one
-- A key of the wrong type counts as 0: the other numbers are of use all the same.
local function number(reply) return type(reply) == 'table' and 0 or reply or 0 end
local function members(key)
  local names = redis.pcall('SMEMBERS', key)
  return names.err and {} or names
end

local oldest = {}
for i = 8, #KEYS do
  local job = redis.pcall('LINDEX', KEYS[i], -1)
  oldest[i - 7] = type(job) == 'string' and job or ''
end
local result = {
  number(redis.pcall('GET', KEYS[1])), number(redis.pcall('GET', KEYS[2])),
  number(redis.pcall('ZCARD', KEYS[3])), number(redis.pcall('ZCARD', KEYS[4])),
  number(redis.pcall('ZCARD', KEYS[5])), oldest,
}
for _, name in ipairs(members(KEYS[6])) do
  result[#result + 1] = name
  result[#result + 1] = number(redis.pcall('LLEN', KEYS[7] .. name))
end
return result
