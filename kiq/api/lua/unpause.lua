-- Unpause a queue, and wake every owner: who would wait for the queue is not known.
-- KEYS     1 names of paused queues, 2 set of owners, 3 what the channel of each begins with, 4 hash: who
--          paused a queue
-- ARGV     1 queue name
-- returns  1, or 0 when it was not paused
if redis.call('SREM', KEYS[1], ARGV[1]) == 0 then return 0 end
-- Nothing here may fail: the queue is unpaused, and who is not woken looks by itself soon.
redis.pcall('HDEL', KEYS[4], ARGV[1])
local owners = redis.pcall('SMEMBERS', KEYS[2])
for i = 1, #owners do redis.pcall('PUBLISH', KEYS[3] .. owners[i], '1') end
return 1
