-- Shared by the scripts that bring jobs to a queue: wakes idle owners.

-- Ring as many idle owners of a queue as it got jobs. A name that nobody answers to is dropped.
local function ring(idle, jobs)
  local rung = 0
  while rung < jobs do
    local name = redis.pcall('SPOP', idle)
    if type(name) ~= 'string' then break end
    if redis.call('PUBLISH', 'kiq:bell:' .. name, '1') > 0 then rung = rung + 1 end
  end
end
