-- A unique job has left the place where it was: a rider's piece.
-- KEYS     1 lock, 2 names of locks, 3 jids that were replaced, 4 the lock that is held while jobs run,
--          5 jobs that wait for it, 6 scheduled set, 7 channel of the poller
-- ARGV     1 jid, 2 name of the lock, 3 what becomes of it: 'free', 'keep', '' nothing, 4 set or 'queue' where
--          the job is now, 5 its bytes there, 6 what becomes of the lock of runs: 'free', 'wait' (for it), '',
--          7 its name
local function now()
  local time = redis.call('TIME')
  return string.format('%.6f', time[1] + time[2] / 1000000)
end

-- Let a job in the scheduled set be due; returns whether it was there.
local function rouse(raw)
  if redis.call('ZADD', KEYS[6], 'XX', 'CH', now(), raw) ~= 1 then return false end
  redis.pcall('PUBLISH', KEYS[7], '1')
  return true
end

if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'jid') == ARGV[1] then
  if ARGV[3] == 'free' then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[2])
  else
    redis.call('HDEL', KEYS[1], 'running')
    redis.call('HINCRBY', KEYS[1], 'moved', 1)
    if redis.call('HEXISTS', KEYS[1], 'raw') == 1 then
      redis.call('HSET', KEYS[1], 'place', ARGV[4], 'raw', ARGV[5])
    end
  end
end
if ARGV[3] ~= 'keep' then redis.call('ZREM', KEYS[3], ARGV[1]) end
if ARGV[6] == 'free' then
  local holder = redis.call('HGET', KEYS[4], 'jid')
  if holder == ARGV[1] then
    redis.call('DEL', KEYS[4])
    redis.call('ZREM', KEYS[2], ARGV[7])
    holder = nil
  end
  -- Also when it had not started: it may be the one that was roused, and who is next would wait for nobody.
  for _ = 1, holder and 0 or 100 do
    local first = redis.call('ZPOPMIN', KEYS[5])[1]
    if not first or rouse(first) then break end
  end
elseif ARGV[6] == 'wait' then
  if redis.call('EXISTS', KEYS[4]) == 0 then
    rouse(ARGV[5])
  else
    redis.call('ZADD', KEYS[5], now(), ARGV[5])
    redis.call('EXPIRE', KEYS[5], 86400)
  end
end
