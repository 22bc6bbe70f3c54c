-- A tick whose entry was deleted goes, unless there is one of that name again.
-- KEYS     1 due, 2 entries
-- ARGV     1 name
-- returns  how many went
redis.call('HDEL', KEYS[2], '')
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
