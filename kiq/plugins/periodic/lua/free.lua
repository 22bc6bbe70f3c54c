-- Let go of a run that is nowhere any more.
-- KEYS     1 latest
-- ARGV     1 name, 2 what was there
-- returns  1 if it was still there
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
