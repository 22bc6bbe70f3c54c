-- Delete a whole sorted set of jobs.
-- KEYS     1 sorted set, 2 dead set, 3 dead reasons
-- ARGV     none
-- returns  how many members there were
local size = redis.call('ZCARD', KEYS[1])
redis.call('UNLINK', KEYS[1])
if KEYS[1] == KEYS[2] then redis.call('UNLINK', KEYS[3]) end
return size
