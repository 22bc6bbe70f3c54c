-- Shared by the scripts that bring jobs to a queue: wakes idle owners.

-- Ring as many idle owners of a queue as it got jobs. A name that nobody answers to is dropped.
-- Nothing here may fail: the jobs are where they belong, and an error would say that they are not
-- (a user without the right to publish, for example).
local function ring(idle, jobs)
  local rung = 0
  while rung < jobs do
    local name = redis.pcall('SPOP', idle)
    if type(name) ~= 'string' then break end
    local heard = redis.pcall('PUBLISH', 'kiq:bell:' .. name, '1')
    if type(heard) ~= 'number' then break end
    if heard > 0 then rung = rung + 1 end
  end
end
