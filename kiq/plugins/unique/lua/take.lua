-- The lock becomes that of a job which has been pushed; one that it replaces goes. KEYS and ARGV of check.lua.
if PROMOTING and ARGV[4] == 'until_expiry' then return end
local was = redis.call('HMGET', KEYS[1], 'jid', 'place', 'queue', 'raw', 'kept', 'bound')
local holder = was[1]
local own = holder == ARGV[1]
if PROMOTING and ((holder and not own) or redis.call('ZSCORE', KEYS[3], ARGV[1])) then return end -- it was replaced
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ttl, newest = tonumber(ARGV[5]), ARGV[3] == 'replace' or ARGV[3] == 'reschedule'
redis.call('HSET', KEYS[1], 'jid', ARGV[1], 'class', ARGV[7], 'queue', ARGV[6], 'lock', ARGV[4])
redis.call('HSETNX', KEYS[1], 'since', string.format('%.6f', now))
redis.call('HDEL', KEYS[1], 'running')
redis.call('HINCRBY', KEYS[1], 'moved', 1)
redis.call('ZADD', KEYS[2], 'NX', string.format('%.6f', now), ARGV[2])
if newest then
  redis.call('HSET', KEYS[1], 'place', DUE and 'schedule' or 'queue', 'raw', JOB, 'kept', ARGV[8])
end
local bound = tonumber(was[6] or nil)
local holds = ttl and ARGV[3] ~= 'reschedule' -- for so long after it is due
local function over(due)
  return math.ceil(1000 * (ttl + math.max(0, (tonumber(due or 0) - now))))
end
if ttl and not holds and not bound and not own then
  bound = now + ttl
  redis.call('HSET', KEYS[1], 'bound', string.format('%.6f', bound))
end
if holds and not own then redis.call('PEXPIRE', KEYS[1], over(DUE))
elseif holder and not own then redis.call('PERSIST', KEYS[1]) -- that of the one before may have had a time
end

-- Nothing here may fail any more: what was replaced is gone.
if holder and not own then
  local place, queue, raw, gone, due = was[2], was[3], was[4], false, false
  if raw and was[5] ~= '1' then
    if place == 'schedule' or place == 'retry' then
      local set = place == 'schedule' and KEYS[4] or KEYS[5]
      due = redis.pcall('ZSCORE', set, raw)
      gone = redis.pcall('ZREM', set, raw) == 1
      if gone and DUE and ARGV[3] == 'replace' and type(due) == 'string' then
        redis.pcall('ZADD', KEYS[4], 'XX', due, JOB)
        if holds then redis.pcall('PEXPIRE', KEYS[1], over(due)) end
      end
    elseif queue == ARGV[6] and not DUE then
      -- Its place among those that are next, or that came last; Redis walks no further.
      local at = redis.pcall('LPOS', KEYS[6], raw, 'RANK', -1, 'MAXLEN', 5000)
      if type(at) ~= 'number' then at = redis.pcall('LPOS', KEYS[6], raw, 'MAXLEN', 5000) end
      if type(at) == 'number' then
        redis.pcall('LREM', KEYS[6], 1, JOB)
        redis.pcall('LSET', KEYS[6], at - 1, JOB)
        gone = true
      end
    end
  end
  if not gone then redis.pcall('ZADD', KEYS[3], now, holder) end
end
if DUE and bound and ARGV[3] == 'reschedule' and tonumber(DUE) > bound then
  redis.pcall('ZADD', KEYS[4], 'XX', string.format('%.6f', bound), JOB)
end
