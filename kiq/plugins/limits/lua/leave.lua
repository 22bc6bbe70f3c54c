-- A job that has limits has left the place where it was, or a block is over: a rider's piece.
-- KEYS     1 scheduled set, 2 channel of the poller, then those of each limit
-- ARGV     1 jid, or 'w:' and a name, 2 name of the holder, 3 what becomes of it: 'over', 'park' (it waits in the
--          scheduled set), 'keep' (it comes again by itself), 4 number of the limit for which it waits, 5 its bytes,
--          6 since when it waits, 7 seconds for which a limit is closed ('': it is not), 8 number of that limit,
--          9 seconds since the run ended, then those of each limit
local who, holder, now = ARGV[1], ARGV[2], clock()
local ended = now - ARGV[9] -- it was settled later: its call, if it made one, is as old as that
for i = 1, (#ARGV - 9) / 5 do
  local l = limit_of(KEYS, 6 * i - 3, ARGV, 5 * i + 5)
  if learn(l, now) then
    if l.kind == 'concurrent' then
      redis.call('ZREM', l.present, holder)
    elseif l.kind == 'window' and ARGV[3] ~= 'keep' then
      local latest = tonumber(redis.call('ZSCORE', l.present, holder) or '')
      local block = who:sub(1, 2) == 'w:'
      -- Of short jobs one that was held up may have made its call late.
      local took = latest and not block and math.max(0, ended - latest + slack(l)) or 0
      local usual = tonumber(redis.call('HGET', l.facts, 'took') or '') or took
      if latest and not block then
        redis.call('HSET', l.facts, 'took', stamp(usual + (took - usual) / 10))
        redis.call('EXPIRE', l.facts, WEEK)
      end
      if latest and (block or took <= SHORT or (usual <= SHORT and took <= math.min(l.per, 1))) then
        for unit = 1, l.cost do
          redis.call('ZADD', l.present, 'XX', stamp(ended), unit == 1 and holder or holder .. '#' .. unit)
        end
      end
    end
    if ARGV[7] ~= '' and tonumber(ARGV[8]) == i then
      local closed = math.max(tonumber(redis.call('HGET', l.facts, 'closed') or '') or 0, now + ARGV[7])
      redis.call('HSET', l.facts, 'closed', stamp(closed))
      redis.call('EXPIRE', l.facts, WEEK)
    end
    if ARGV[3] == 'over' then
      forget(l, who)
    elseif ARGV[3] == 'park' and tonumber(ARGV[4]) == i then
      redis.call('ZREM', l.called, who)
      redis.call('ZADD', l.line, 'NX', ARGV[6], who)
      redis.call('HSET', l.parked, who, ARGV[5])
      redis.call('EXPIRE', l.line, WEEK)
      redis.call('EXPIRE', l.parked, WEEK)
    end
    measure(l, now)
    call_next(l, now, KEYS[1], KEYS[2])
  end
end
