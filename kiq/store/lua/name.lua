-- Give this database a name, once.
-- KEYS     1 where the name stands, 2 a hash (only for the no-op write)
-- ARGV     1 the name, if it has none yet
-- returns  its name
redis.pcall('HDEL', KEYS[2], '')
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
