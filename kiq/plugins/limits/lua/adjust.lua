-- Something took more, or less, than was thought; what is owed has to drain, too.
-- KEYS     1 scheduled set, 2 channel of the poller, then those of the limit
-- ARGV     1 how much more (less than 0: less), then those of the limit
-- returns  1
redis.call('HDEL', KEYS[8], '')
local l, now = limit_of(KEYS, 3, ARGV, 2), clock()
learn(l, now)
measure(l, now)
if l.kind ~= 'concurrent' and l.kind ~= 'window' then
  local used = math.max(0, l.used + ARGV[1])
  redis.call('HSET', l.present, 'at', string.format('%.6f', l.at), 'used', string.format('%.9f', used))
  redis.call('EXPIRE', l.present, math.ceil(2 * l.per * math.max(1, used / l.size)) + 60)
  measure(l, now)
  call_next(l, now, KEYS[1], KEYS[2])
end
return 1
