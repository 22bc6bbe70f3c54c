-- Send a signal to a worker process that is there.
-- KEYS     1 hash of the process, 2 its list of signals
-- ARGV     1 signal, 2 seconds that it is kept
-- returns  1, or 0 when the process is gone
redis.call('HDEL', KEYS[1], '')  -- a full Redis accepts what follows: it refuses only a first write
if redis.call('HEXISTS', KEYS[1], 'info') == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
