-- Write a part of an owner's record anew, unless it was reclaimed: its record must not come back.
-- KEYS     1 owner record
-- ARGV     pairs of field and value
-- returns  1, or 0 when the record is gone (fenced)
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
