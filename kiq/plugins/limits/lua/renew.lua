-- A block stays in a limit.
-- KEYS     1 who is in it
-- ARGV     1 name of the holder, 2 seconds from now
-- returns  1, or 0 if it was out
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], 'XX', stamp(clock() + ARGV[2]), ARGV[1])
return 1
