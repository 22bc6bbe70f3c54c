-- Drop states that are kept no longer.
-- KEYS     1 until when states are kept, 2... states
-- ARGV     names of the states
-- returns  how many were dropped: others have been written meanwhile
local now, dropped = tonumber(redis.call('TIME')[1]), 0
for i = 2, #KEYS do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i - 1])
  if ends and tonumber(ends) <= now then
    redis.call('DEL', KEYS[i])
    dropped = dropped + redis.call('ZREM', KEYS[1], ARGV[i - 1])
  end
end
return dropped
