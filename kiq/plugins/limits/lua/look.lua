-- How a limit stands. Reads only.
-- KEYS     those of the limit
-- ARGV     those of the limit; its terms may be ''
-- returns  nothing where its numbers are not known, or {now, size, seconds, used, how many wait, how many were
--          called, when there is room for one more that comes now ('': unknown), until when it is closed ('': it is
--          not), how many were let in, and refused}
local l, now = limit_of(KEYS, 1, ARGV, 1), clock()
if not learn(l, now) then return false end
measure(l, now)
local waiting = redis.call('ZCARD', l.line)
local called = redis.call('ZCOUNT', l.called, stamp(now - GRACE), '+inf')
local at = opening(l, now, (waiting + called + 1) * l.cost)
local facts = redis.call('HMGET', l.facts, 'taken', 'refused')
return {stamp(now), tostring(l.size), tostring(l.per), stamp(l.used), waiting, called, at and stamp(at) or '',
  l.closed and stamp(l.closed) or '', facts[1] or '0', facts[2] or '0'}
