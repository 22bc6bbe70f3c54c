-- Note that an owner was seen without a lease; a beat strikes the note out.
-- KEYS     1 owner record, 2 lease, 3 lapsed record, where there is no other any more
-- ARGV     1 the longest TTL, in ms, that its lease can have, 2 the note before ('': none), 3 the note
-- returns  1, or 0 when it has a lease, or the note is another by now
-- A lease with a TTL that none can have outlived its owner: Redis's clock went back, or a dump was restored.
local left = redis.call('PTTL', KEYS[2])
if left >= 0 and left <= tonumber(ARGV[1]) then return 0 end
local record = KEYS[1]
if redis.call('EXISTS', record) == 0 then record = KEYS[3] end
if redis.call('EXISTS', record) == 0 then return 0 end
redis.call('HDEL', record, '')
if (redis.call('HGET', record, 'absent') or '') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', record, 'absent', ARGV[3])
return 1
