-- A job of a batch has left the place where it was: a rider's piece, or the sweep's.
-- KEYS     those of shared.lua
-- ARGV     1 id of the batch, 2 jid, 3 what it has come to: 'done', 'skipped', 'retry', or a score for `others`
-- returns  1 if it was a job of the batch
local record, jobs, others = at(1)
local jid, what = ARGV[2], ARGV[3]
local state = redis.call('HGET', record, 'state')
if not state then return 0 end -- of Ruby's, or one that is kept no more: nobody waits for it
local fresh = redis.call('SREM', jobs, jid) == 1
local score = not fresh and tonumber(redis.call('ZSCORE', others, jid) or nil)
if not fresh and not score then return 0 end
local now = clock()
local callback = score == 0 or score == 2 or score == 9
if what == 'done' or what == 'skipped' then
  if not fresh then redis.call('ZREM', others, jid) end
  if what == 'skipped' and not callback then redis.call('HINCRBY', record, 'skipped', 1) end
elseif what == 'retry' then
  redis.call('ZADD', others, callback and 2 or 1, jid)
else
  if what == '4' and state == 'cancelled' then what = '5' end
  redis.call('ZADD', others, callback and 9 or what, jid)
  if what == '3' or what == '7' then mourn(now) end
end
judge(1, now)
return 1
