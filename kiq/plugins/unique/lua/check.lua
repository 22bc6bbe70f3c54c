-- Whether a unique job may be pushed, or promoted: a guard's check.
-- KEYS     1 lock, 2 names of locks, 3 jids that were replaced, 4 scheduled set, 5 retry set, 6 queue list, or band
-- ARGV     1 jid, 2 name of the lock, 3 policy, 4 kind of lock, 5 seconds ('': for ever), 6 queue, 7 class,
--          8 '1': it may only leave where it is by a verdict
-- returns  nothing, or the jid of the job that has the lock, and for how many seconds
if PROMOTING and ARGV[4] == 'until_expiry' then return end -- its time may be over, and another's run
redis.call('ZCARD', KEYS[2]) -- what take writes is of the right type
local lock = redis.call('HMGET', KEYS[1], 'jid', 'running', 'place', 'lock', 'since')
local holder = lock[1]
if not holder or holder == ARGV[1] then return end
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return end -- it was replaced, and ends when it would start
-- Of a job that does not ask at its start whether it was replaced both would run.
local asks = lock[3] or lock[4] == 'until_start' or lock[4] == 'until_and_while_executing'
if asks and not PROMOTING and (ARGV[3] == 'replace' or ARGV[3] == 'reschedule') and not lock[2] then return end
local age = redis.call('TIME')[1] - (tonumber(lock[5] or nil) or 0)
return string.format('%s %d', holder, math.max(0, math.floor(age)))
