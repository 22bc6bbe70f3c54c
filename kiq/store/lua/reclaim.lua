-- Give back a part of what a lapsed owner had in flight from one source. The ids come newest first, so
-- that the oldest ends nearest to the tail.
-- KEYS     1 in-flight hash, 2 source: queue list or sorted set, 3 idle owners of the queue,
--          4 suspects, 5 markers, 6 set of queues, 7 owner record (must be gone)
-- ARGV     1 owner, 2 how many bytes, 3 'list' or 'zset' (of claims, "score|payload"), 4 queue name,
--          5 '' or, when its jobs become suspects (a crash), the second at which the owner lived last,
--          6 seconds that a suspicion lasts,
--          7 seconds by which a claim is put off that was marked, 8... delivery ids
-- returns  {how many ids were dealt with, moved, how many are suspects now, text of an error or ''},
--          or {-1} while the record exists
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[7]) == 1 then return {-1} end
redis.pcall('SREM', KEYS[3], ARGV[1])
local is_queue, crashed = ARGV[3] == 'list', ARGV[5] ~= ''
local now = tonumber(redis.call('TIME')[1])

-- Return the values of a hash, or an empty table when it is of another type.
local function values(key, fields)
  local found = redis.pcall('HMGET', key, unpack(fields))
  return found.err and {} or found
end

-- A level is "level:expiry", or "level:expiry:light": so many crashes came late in a run since it rose.
-- One in the first minute raises it. Of late ones it takes three: a pill, as a rule, kills soon, and a
-- job that runs for hours is in the way of every kill that has nothing to do with it.
local LATE, LIGHT = 60, 3

local function raised(level, light, ran)
  if ran > LATE and light + 1 < LIGHT then return level, light + 1 end
  return math.min(level + 1, 3), 0
end

-- Forget the markers of some payloads, and note them as suspects of a crash; returns for how many
-- seconds each ran that was marked.
local function examine(ids, payloads)
  local digests, marked, notes = {}, {}, {}
  for i = 1, #ids do digests[i] = redis.sha1hex(payloads[i]) end
  local markers = values(KEYS[5], digests)
  for i = 1, #ids do
    local mine = ARGV[1] .. ' ' .. ids[i] .. ' '
    if markers[i] and markers[i]:sub(1, #mine) == mine then
      marked[i] = tonumber(ARGV[5]) and ARGV[5] - markers[i]:sub(#mine + 1) or 0
      redis.pcall('HDEL', KEYS[5], digests[i])
    end
  end
  if not crashed then return marked end
  local known = values(KEYS[4], digests)
  for i = 1, #ids do
    local level, ends, light = 0, 0, 0
    if known[i] then level, ends, light = known[i]:match('^(%d+):(%d+):?(%d*)$') end
    level, ends, light = tonumber(level or 0), tonumber(ends or 0), tonumber(light or 0) or 0
    if level == 0 or ends < now then level, light = 1, 0
    elseif marked[i] then level, light = raised(level, light, marked[i]) end
    notes[#notes + 1] = digests[i]
    notes[#notes + 1] = level .. ':' .. (now + ARGV[6]) .. (light > 0 and ':' .. light or '')
  end
  redis.pcall('HSET', KEYS[4], unpack(notes))
  return marked
end

local moved, bytes, suspects = 0, 0, 0

-- Give back the jobs with the ids from `first` to `last`; returns the text of an error.
local function give_back(first, last)
  local held = redis.call('HMGET', KEYS[1], unpack(ARGV, first, last))
  local ids, payloads, scores, back = {}, {}, {}, {}
  for i = 1, #held do
    if held[i] then
      local score, payload
      if not is_queue then score, payload = held[i]:match('^([^|]*)|(.*)$') end
      bytes = bytes + #held[i]
      ids[#ids + 1] = ARGV[first + i - 1]
      payloads[#ids] = payload or held[i]
      scores[#ids] = score or '0'
      back[#back + 1] = ids[#ids]; back[#back + 1] = held[i]
    end
  end
  if #ids == 0 then return end
  redis.call('HDEL', KEYS[1], unpack(ids))
  local command, what = 'RPUSH', payloads
  if not is_queue then
    command, what = 'ZADD', {}
    for i = 1, #ids do what[2 * i - 1] = scores[i]; what[2 * i] = payloads[i] end
  end
  local wrote = redis.pcall(command, KEYS[2], unpack(what))
  if type(wrote) == 'table' and wrote.err then
    redis.call('HSET', KEYS[1], unpack(back))
    return wrote.err
  end
  local marked = examine(ids, payloads)
  for i in pairs(marked) do
    if crashed and not is_queue then redis.call('ZADD', KEYS[2], now + ARGV[7], payloads[i]) end
  end
  moved = moved + #ids
  if crashed then suspects = suspects + #ids end
end

-- By the hundred: one by one took thrice as long. The first pieces are small, until sizes are known.
local at, problem = 8, nil
while at <= #ARGV and bytes < tonumber(ARGV[2]) and not problem do
  local done = at - 8
  local size = 1
  if done > 0 then size = math.floor((tonumber(ARGV[2]) - bytes) / math.max(1, bytes / done)) end
  size = math.max(1, math.min(size, done * 10, 100, #ARGV - at + 1))
  problem = give_back(at, at + size - 1)
  if not problem then at = at + size end
end
if moved > 0 and is_queue then
  redis.pcall('SADD', KEYS[6], ARGV[4])
  ring(KEYS[3], moved)
end
return {at - 8, moved, suspects, problem or ''}
