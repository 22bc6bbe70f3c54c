-- Delete a queue with its bands, and take their names off the set of queues.
-- KEYS     1 set of queues, then lists
-- ARGV     names of the lists, in that order
-- returns  how many jobs there were
local size = 0
for i = 1, #ARGV do size = size + redis.call('LLEN', KEYS[i + 1]) end
for i = 1, #ARGV do
  redis.call('UNLINK', KEYS[i + 1])
  redis.call('SREM', KEYS[1], ARGV[i])
end
return size
