-- Pause a queue: from here on no fetch takes from it.
-- KEYS     1 idle owners of the queue, 2 names of paused queues
-- ARGV     1 queue name
-- returns  1, or 0 when it was paused before
-- Who waits for the queue need not be woken by what is pushed there. (A full Redis accepts this first
-- write, and after it the next: a queue that fills Redis can be paused.)
redis.call('UNLINK', KEYS[1])
return redis.call('SADD', KEYS[2], ARGV[1])
