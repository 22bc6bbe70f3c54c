-- An entry that has lost its next tick gets one.
-- KEYS     1 due, 2 entries
-- ARGV     1 name, 2 definition, 3 next tick
-- returns  1, or 0 where it has one, or is another entry now
redis.call('HDEL', KEYS[2], '')
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZADD', KEYS[1], 'NX', ARGV[3], ARGV[1])
