-- The entries that a process brings along come into force, unless those of a newer release are.
-- KEYS     1 sets, 2 entries, 3 due, 4 paused, 5 latest, 6 channel of who ticks, 7 waiting
-- ARGV     1 app, 2 digest of all, 3 seconds that what is in force stays so unseen, then for each entry: name,
--          definition, next tick or ''
-- returns  {1 in force or 0 an older release, names that others have, names that are gone}
redis.call('HDEL', KEYS[1], '')
local now = tonumber(redis.call('TIME')[1])
local others, gone, changed = {}, {}, false
local digest, seen, older = '', 0, {}
local said = redis.call('HGET', KEYS[1], ARGV[1])
if said then
  for word in said:gmatch('%S+') do
    if digest == '' then digest = word elseif seen == 0 then seen = tonumber(word) or 1 else older[#older + 1] = word end
  end
end
if digest ~= '' and digest ~= ARGV[2] then
  local kept, known = {digest}, false
  for _, one in ipairs(older) do
    if one == ARGV[2] then known = true elseif #kept < 20 then kept[#kept + 1] = one end
  end
  -- A clock that was set back: what was seen in the future was not seen lately.
  local unseen = now - seen > tonumber(ARGV[3]) or seen - now > tonumber(ARGV[3])
  if known and not unseen then return {0, {}, {}} end
  older = kept
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now .. ' ' .. table.concat(older, ' '))

-- Whether an application is away, or has another name now: its entries are for who has them.
local away = {}
local function is_away(app)
  if away[app] == nil then
    local at = tonumber((redis.call('HGET', KEYS[1], app) or ''):match('^%S+ (%S+)'))
    away[app] = not at or math.abs(now - at) > tonumber(ARGV[3])
  end
  return away[app]
end

local mine = {}
for at = 4, #ARGV, 3 do
  local name, text, due = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  mine[name] = true
  local there = redis.call('HGET', KEYS[2], name)
  local read, old = pcall(cjson.decode, there or 'null')
  if type(old) ~= 'table' then old = nil end
  if old and (old.origin == 'api' or (old.app ~= ARGV[1] and not is_away(tostring(old.app)))) then
    others[#others + 1] = name
  else
    local anew = not old or old.identity ~= cjson.decode(text).identity or old.enabled ~= cjson.decode(text).enabled
    if there ~= text then
      redis.call('HSET', KEYS[2], name, text)
      changed = true
    end
    if anew then redis.call('HDEL', KEYS[7], name) end
    if anew and due == '' then redis.call('ZREM', KEYS[3], name)
    elseif due ~= '' and (anew or not redis.call('ZSCORE', KEYS[3], name)) then
      redis.call('ZADD', KEYS[3], due, name)
      changed = true
    end
  end
end
local all = redis.call('HGETALL', KEYS[2])
for at = 1, #all, 2 do
  local read, old = pcall(cjson.decode, all[at + 1])
  if read and type(old) == 'table' and old.app == ARGV[1] and old.origin ~= 'api' and not mine[all[at]] then
    redis.call('HDEL', KEYS[2], all[at])
    redis.call('ZREM', KEYS[3], all[at])
    redis.call('HDEL', KEYS[4], all[at])
    redis.call('HDEL', KEYS[5], all[at])
    redis.call('HDEL', KEYS[7], all[at])
    gone[#gone + 1] = all[at]
    changed = true
  end
end
if changed then redis.pcall('PUBLISH', KEYS[6], '1') end
return {1, others, gone}
