-- Renew the leases of one process's owners.
-- KEYS     owner records
-- ARGV     none
-- returns  for each owner 1, or 0 when its record is gone: it was reclaimed (fenced)
-- The lease is what the record says of the last beat: no key with a TTL, which a full Redis might evict.
-- By pcall: one broken record must not cost the process its other leases.
local known, time = {}, redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
for i = 1, #KEYS do
  redis.pcall('HDEL', KEYS[i], 'absent') -- that it was seen without a lease
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.pcall('HSET', KEYS[i], 'beat', now)
    known[i] = 1
  else
    known[i] = 0
  end
end
return known
