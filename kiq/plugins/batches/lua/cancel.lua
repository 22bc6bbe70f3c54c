-- Cancel a batch: it ends without success when nothing of it runs any more.
-- KEYS     those of shared.lua
-- ARGV     1 id, 2 why
-- returns  1, 0: it was cancelled before, or text: why not
local record = at(1)
local state, ended = unpack(redis.call('HMGET', record, 'state', 'end_at'))
if not state then return 'gone' end
if ended then return 'finished' end
if state == 'cancelled' then return 0 end
local now = clock()
redis.call('HSET', record, 'state', 'cancelled', 'cancelled_at', now, 'why', ARGV[2])
judge(1, now)
return 1
