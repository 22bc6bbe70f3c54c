-- Write a field of an owner's record, unless it was reclaimed: its record must not come back.
-- KEYS     1 owner record
-- ARGV     1 field, 2 value
-- returns  1, or 0 when the record is gone (fenced)
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
