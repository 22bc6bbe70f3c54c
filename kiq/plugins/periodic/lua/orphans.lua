-- Entries of an application of which no process has been seen for long go, as a deploy would take them out.
-- KEYS     1 sets, 2 entries, 3 due, 4 paused, 5 latest, 6 waiting
-- ARGV     1 app, 2 seconds
-- returns  their names
redis.call('HDEL', KEYS[1], '')
local seen = tonumber((redis.call('HGET', KEYS[1], ARGV[1]) or ''):match('^%S+ (%S+)'))
local now, gone = tonumber(redis.call('TIME')[1]), {}
if not seen or now - seen < tonumber(ARGV[2]) then return gone end
local all = redis.call('HGETALL', KEYS[2])
for at = 1, #all, 2 do
  local read, one = pcall(cjson.decode, all[at + 1])
  if read and type(one) == 'table' and one.app == ARGV[1] and one.origin ~= 'api' then
    redis.call('ZREM', KEYS[3], all[at])
    for key = 2, 6 do
      if key ~= 3 then redis.call('HDEL', KEYS[key], all[at]) end
    end
    gone[#gone + 1] = all[at]
  end
end
redis.call('HDEL', KEYS[1], ARGV[1])
return gone
