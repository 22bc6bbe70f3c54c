-- May a job start, or a block be entered, that has limits? If so it is in all of them, else in none.
-- KEYS     1 in-flight hash of the job, or a hash of the first limit, 2 names of limits, 3 scheduled set,
--          4 channel of the poller, then those of each limit; of a job the last are two more in-flight hashes
-- ARGV     1 jid, or 'w:' and a name, 2 name of the holder, 3 delivery ('': it is none), 4 seconds for which a
--          block is in it at most, unless that is renewed ('': a job), 5 '1': wait in line, then those of each limit
-- returns  {'go'}; {'gone'}: the delivery is over; or {'wait', number of the limit, seconds until there may be
--          room ('': unknown), since when it waits, how many are before it}
redis.call('HDEL', KEYS[1], '') -- after a first write that changes nothing a full Redis takes the rest
local function in_hand(hash) return redis.call('HEXISTS', hash, ARGV[3]) == 1 end
if ARGV[3] ~= '' and not (in_hand(KEYS[1]) or in_hand(KEYS[#KEYS]) or in_hand(KEYS[#KEYS - 1])) then return {'gone'} end
local who, holder, now = ARGV[1], ARGV[2], clock()
local limits, refused = {}, nil
for i = 1, (#ARGV - 5) / 5 do
  local l = limit_of(KEYS, 6 * i - 1, ARGV, 5 * i + 1)
  limits[i] = l
  learn(l, now)
  clean(l, now)
  measure(l, now)
  call_next(l, now, KEYS[3], KEYS[4])
  local due = tonumber(redis.call('ZSCORE', l.called, who) or '')
  local mine = due and due <= now + BRIEF
  if mine and now - due < 1 then
    local late = tonumber(redis.call('HGET', l.facts, 'late') or '') or 0
    redis.call('HSET', l.facts, 'late', stamp(late + (math.max(0, now - due) - late) / 10))
  end
  l.mine = mine
  local kept = mine and 0 or expected(l, now) * l.cost
  l.inside = l.kind == 'concurrent' and redis.call('ZSCORE', l.present, holder)
  if not l.inside and (l.closed or l.free - kept < l.cost - 0.000001) then refused = refused or i end
end

if refused then
  local since
  local l = limits[refused]
  local room = l.mine and opening(l, now, l.cost)
  if room and room <= now + BRIEF then -- it is early: its turn stays its own
    since = redis.call('HGET', l.parked, '@' .. who)
    return {'wait', refused, stamp(math.max(0, room - now)), since or stamp(now), 0}
  end
  for i, l in ipairs(limits) do
    local mine = redis.call('HGET', l.parked, '@' .. who) or redis.call('ZSCORE', l.line, who)
    if i == refused then since = mine or stamp(now) end
    if forget(l, who) then call_next(l, now, KEYS[3], KEYS[4]) end
  end
  local before = redis.call('ZCARD', l.line) + redis.call('ZCARD', l.called)
  local at = opening(l, now, (before + 1) * l.cost)
  if ARGV[5] == '1' then
    redis.call('ZADD', l.line, since, who)
    redis.call('EXPIRE', l.line, WEEK)
    call_next(l, now, KEYS[3], KEYS[4])
  end
  redis.call('HINCRBY', l.facts, 'refused', 1)
  redis.call('EXPIRE', l.facts, WEEK)
  redis.call('ZADD', KEYS[2], stamp(now), l.id)
  return {'wait', refused, at and stamp(math.max(0, at - now)) or '', since, before}
end

for _, l in ipairs(limits) do
  if l.kind == 'concurrent' then
    redis.call('ZADD', l.present, ARGV[4] == '' and '+inf' or stamp(now + ARGV[4]), holder)
  elseif l.kind == 'window' then
    -- Counted from the latest moment of the call: what is known better when it is over.
    local latest = stamp(now + (ARGV[4] == '' and slack(l) or tonumber(ARGV[4])))
    for unit = 1, l.cost do redis.call('ZADD', l.present, latest, unit == 1 and holder or holder .. '#' .. unit) end
  else
    redis.call('HSET', l.present, 'at', string.format('%.6f', l.at), 'used', string.format('%.9f', l.used + l.cost))
  end
  if l.kind ~= 'concurrent' then redis.call('EXPIRE', l.present, math.ceil(2 * l.per) + 60) end
  forget(l, who)
  redis.call('HINCRBY', l.facts, 'taken', 1)
  redis.call('EXPIRE', l.facts, WEEK)
  redis.call('ZADD', KEYS[2], stamp(now), l.id)
  if redis.call('ZCARD', l.line) > 0 then
    measure(l, now)
    call_next(l, now, KEYS[3], KEYS[4])
  end
end
return {'go'}
