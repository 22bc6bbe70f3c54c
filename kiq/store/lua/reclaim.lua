-- Give back a part of what a lapsed owner had in flight from one source, newest first, so that the
-- oldest ends nearest to the tail.
-- KEYS     1 in-flight hash, 2 source: queue list or sorted set, 3 idle owners of the queue,
--          4 suspects, 5 markers, 6 set of queues, 7 owner record (must be gone)
-- ARGV     1 owner, 2 how many, 3 how many bytes, 4 'list' or 'zset', 5 queue name,
--          6 '1' when its jobs become suspects (a crash), 7 seconds that a suspicion lasts
-- returns  {moved, remaining, how many are suspects now, text of an error or ''}, or {-1} while the
--          record exists
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[7]) == 1 then return {-1} end
redis.pcall('SREM', KEYS[3], ARGV[1])

local ids = redis.call('HKEYS', KEYS[1])
local function order(id)
  local call, index = id:match('^(%d+)%.(%d+)$')
  return tonumber(call or 0) * 1000000 + tonumber(index or 0)
end
table.sort(ids, function(a, b) return order(a) > order(b) end)

local now, expiry = tonumber(redis.call('TIME')[1]), ''
if ARGV[6] == '1' then expiry = ':' .. (now + tonumber(ARGV[7])) end

local function suspect(id, held)
  local sha = redis.sha1hex(held)
  local running = redis.pcall('HGET', KEYS[5], sha) == ARGV[1] .. ' ' .. id
  if running then redis.pcall('HDEL', KEYS[5], sha) end
  if ARGV[6] ~= '1' then return end
  local known = redis.pcall('HGET', KEYS[4], sha)
  local level, ends = 0, 0
  if type(known) == 'string' then
    level, ends = known:match('^(%d+):(%d+)$')
    level, ends = tonumber(level or 0), tonumber(ends or 0)
  end
  if level == 0 or ends < now then level = 1
  elseif running then level = math.min(level + 1, 3) end
  redis.pcall('HSET', KEYS[4], sha, level .. expiry)
  redis.pcall('EXPIRE', KEYS[4], ARGV[7]) -- with the last suspicion the hash goes
  return level
end

local moved, bytes, suspects = 0, 0, 0
for i = 1, math.min(#ids, tonumber(ARGV[2])) do
  if bytes >= tonumber(ARGV[3]) then break end
  local held = redis.call('HGET', KEYS[1], ids[i])
  bytes = bytes + #held
  redis.call('HDEL', KEYS[1], ids[i])
  local wrote
  if ARGV[4] == 'zset' then
    local score, payload = held:match('^([^|]*)|(.*)$')
    wrote = redis.pcall('ZADD', KEYS[2], score or '0', payload or held)
  else
    wrote = redis.pcall('RPUSH', KEYS[2], held)
  end
  if type(wrote) == 'table' and wrote.err then
    redis.call('HSET', KEYS[1], ids[i], held)
    return {moved, #ids - moved, suspects, wrote.err}
  end
  if ARGV[4] == 'list' and suspect(ids[i], held) then suspects = suspects + 1 end
  moved = moved + 1
end
if moved > 0 and ARGV[4] == 'list' then
  redis.pcall('SADD', KEYS[6], ARGV[5])
  ring(KEYS[3], moved)
end
return {moved, #ids - moved, suspects, ''}
