-- Renew the leases of one process's owners.
-- KEYS     pairs of owner record and lease
-- ARGV     1 lease in ms
-- returns  for each owner 1, or 0 when its record is gone: it was reclaimed (fenced)
-- The record says when its owner lived last: the lease that would tell is gone when that is asked.
-- By pcall: one broken record must not cost the process its other leases.
local known, now = {}, redis.call('TIME')[1]
for i = 1, #KEYS, 2 do
  redis.pcall('HDEL', KEYS[i], 'absent') -- that it was seen without a lease
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('SET', KEYS[i + 1], '1', 'PX', ARGV[1])
    redis.pcall('HSET', KEYS[i], 'beat', now)
    known[#known + 1] = 1
  else
    known[#known + 1] = 0
  end
end
return known
