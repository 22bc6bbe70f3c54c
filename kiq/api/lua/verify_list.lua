-- Put a name into a set if what it names is there.
-- KEYS     1 what is named, 2 set of names
-- ARGV     1 name
-- returns  1 when it was added, else 0
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('SADD', KEYS[2], ARGV[1])
