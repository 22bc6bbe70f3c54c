-- Shared by the scripts that bring jobs to a queue: wakes idle owners.

-- Ring as many idle owners of a queue as it got jobs. A name that nobody answers to is dropped.
-- Nothing here may fail: the jobs are where they belong, and an error would say that they are not
-- (a user without the right to publish, for example). An owner's bell has the name of the idle owners' set
-- with another word in it, in whatever namespace that is.
local function ring(idle, jobs)
  local rung = 0
  while rung < jobs do
    local name = redis.pcall('SPOP', idle)
    if type(name) ~= 'string' then break end
    local before = (idle:find('kiq:idle:', 1, true) or 1) - 1
    local heard = redis.pcall('PUBLISH', idle:sub(1, before) .. 'kiq:bell:' .. name, '1')
    if type(heard) ~= 'number' then break end
    if heard > 0 then rung = rung + 1 end
  end
end
