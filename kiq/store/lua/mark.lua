-- Note that a suspect is about to run: what a crash finds marked did not merely wait.
-- KEYS     1 markers
-- ARGV     pairs of sha1 of a payload and "owner delivery"
-- returns  1
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
