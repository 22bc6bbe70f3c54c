-- A run is over, or has failed and will be tried again: how it went, and the next may begin.
-- KEYS     1 latest, 2 outcomes, 3 channel of who ticks, 4 entries, 5 history
-- ARGV     1 name, 2 jid, 3 outcome, 4 '1' where it is over, 5 how many outcomes are kept
local function prune()
  local told = {}
  for _, line in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
    told[line:match('^%S+ %S+ %S+ (%S+)') or ''] = true
  end
  for _, jid in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not told[jid] then redis.call('HDEL', KEYS[2], jid) end
  end
end

if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. ' ' .. string.format('%d.%03d', time[1], math.floor(time[2] / 1000)))
  -- Runs that took so long that the history had let go of them.
  if redis.call('HLEN', KEYS[2]) > 2 * tonumber(ARGV[5]) then prune() end
end
if ARGV[4] ~= '1' then return end
local latest = redis.call('HGET', KEYS[1], ARGV[1])
if latest and latest:match('^%S+') == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.pcall('PUBLISH', KEYS[3], '1')
end
