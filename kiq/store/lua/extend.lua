-- Write anew what an owner may hold, unless it was reclaimed: its record must not come back.
-- KEYS     1 owner record
-- ARGV     1 sources, one a line
-- returns  1, or 0 when the record is gone (fenced)
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'sources', ARGV[1])
return 1
