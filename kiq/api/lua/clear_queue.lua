-- Delete a queue, and take its name off the set of queues.
-- KEYS     1 queue list, 2 set of queues
-- ARGV     1 queue name
-- returns  how many jobs there were
local size = redis.call('LLEN', KEYS[1])
redis.call('UNLINK', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return size
