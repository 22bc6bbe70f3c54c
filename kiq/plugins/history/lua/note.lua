-- An attempt of a job is over: a rider's piece.
-- KEYS     1 list of its attempts
-- ARGV     1 entry, 2 how many are kept, 3 seconds to live
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -ARGV[2], -1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
