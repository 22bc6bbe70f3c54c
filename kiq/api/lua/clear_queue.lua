-- Delete a queue with its bands, and take their names off the set of queues.
-- KEYS     1 set of queues, then lists
-- ARGV     names of the lists, in that order
-- returns  how many jobs there were
local size = 0
for i = 1, #ARGV do size = size + redis.call('LLEN', KEYS[i + 1]) end
if keeping and size > most then
  beyond(size)
elseif keeping then
  for i = 1, #ARGV do
    for last = 1, redis.call('LLEN', KEYS[i + 1]), 50 do -- the oldest first: they are large, perhaps
      local part = redis.call('LRANGE', KEYS[i + 1], -last - 49, -last)
      for j = #part, 1, -1 do keep('', part[j], '', '', '', 'queue:' .. ARGV[i]) end
    end
  end
end
for i = 1, #ARGV do
  redis.call('UNLINK', KEYS[i + 1])
  redis.call('SREM', KEYS[1], ARGV[i])
end
return size
