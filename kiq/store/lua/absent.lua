-- Note that an owner was seen without a lease; a beat strikes the note out.
-- KEYS     1 owner record, 2 lapsed record, where there is no other any more
-- ARGV     1 its last beat, as it was seen, 2 the note before ('': none), 3 the note
-- returns  1, or 0 when it has beaten since, or the note is another by now
local record = KEYS[1]
if redis.call('EXISTS', record) == 0 then record = KEYS[2] end
if redis.call('EXISTS', record) == 0 then return 0 end
redis.call('HDEL', record, '')
local now = redis.call('HMGET', record, 'beat', 'absent')
if (now[1] or '') ~= ARGV[1] or (now[2] or '') ~= ARGV[2] then return 0 end
redis.call('HSET', record, 'absent', ARGV[3])
return 1
