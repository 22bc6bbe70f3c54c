-- Pause a queue: from here on no fetch takes from it.
-- KEYS     1 idle owners of the queue, 2 names of paused queues, 3 hash: who paused a queue
-- ARGV     1 queue name, 2 who paused it, and why ('': not said)
-- returns  1, or 0 when it was paused before
-- Who waits for the queue need not be woken by what is pushed there. (A full Redis accepts this first
-- write, and after it the next: a queue that fills Redis can be paused.)
redis.call('UNLINK', KEYS[1])
local fresh = redis.call('SADD', KEYS[2], ARGV[1])
if fresh == 1 then
  redis.pcall('HDEL', KEYS[3], ARGV[1]) -- of an earlier pause that another program has ended
  if ARGV[2] ~= '' then redis.pcall('HSET', KEYS[3], ARGV[1], ARGV[2]) end
end
return fresh
