-- Read what there is to know of every queue, and of every band of one, which has a name of its own.
-- KEYS     1 set of queues, 2 names of paused queues, 3 what a queue's key begins with
-- ARGV     none
-- returns  name, size, the oldest job or '', 1 when it is paused, name, ...
-- A queue that is paused is listed though it was never pushed to: someone may wonder where its jobs are.
-- A key of the wrong type counts as nothing: the others are of use all the same.
local function members(key)
  local names = redis.pcall('SMEMBERS', key)
  return names.err and {} or names
end

local paused, names, result = {}, members(KEYS[1]), {}
for _, name in ipairs(names) do paused[name] = 0 end
for _, name in ipairs(members(KEYS[2])) do
  if not paused[name] then names[#names + 1] = name end
  paused[name] = 1
end
for _, name in ipairs(names) do
  local size = redis.pcall('LLEN', KEYS[3] .. name)
  local oldest = redis.pcall('LINDEX', KEYS[3] .. name, -1)
  result[#result + 1] = name
  result[#result + 1] = type(size) == 'number' and size or 0
  result[#result + 1] = type(oldest) == 'string' and oldest or ''
  result[#result + 1] = paused[name]
end
return result
