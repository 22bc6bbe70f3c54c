-- Read the numbers of the front page.
-- KEYS     1 stat:processed, 2 stat:failed, 3 schedule, 4 retry, 5 dead, 6 processes, 7 queues,
--          8 the default queue's list
-- ARGV     1 what a queue's key begins with
-- returns  processed, failed, the sizes of the four sets, the oldest job of the default queue or '',
--          then name and size of each queue
-- A key of the wrong type counts as 0: the other numbers are of use all the same.
local function number(reply) return type(reply) == 'table' and 0 or reply or 0 end
local result = {
  number(redis.pcall('GET', KEYS[1])), number(redis.pcall('GET', KEYS[2])),
  number(redis.pcall('ZCARD', KEYS[3])), number(redis.pcall('ZCARD', KEYS[4])),
  number(redis.pcall('ZCARD', KEYS[5])), number(redis.pcall('SCARD', KEYS[6])),
}
local oldest = redis.pcall('LINDEX', KEYS[8], -1)
result[7] = type(oldest) == 'string' and oldest or ''
local names = redis.pcall('SMEMBERS', KEYS[7])
for i = 1, #names do
  result[#result + 1] = names[i]
  result[#result + 1] = number(redis.pcall('LLEN', ARGV[1] .. names[i]))
end
return result
