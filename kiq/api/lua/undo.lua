-- Put back the last of what an act took, each where it was (`checks`, `takes`, above, are those of guards).
-- KEYS     1 what is kept, 2 about it, 3 dead set, 4 dead reasons, 5 suspects, 6 set of queues, 7 channel of the
--          poller, 8... a place for each name, an idle set for each name (of a queue), then those of guards
-- ARGV     1 how many elements are kept, 2 how many jobs are meant, 3 how deep a list is looked through,
--          4 seconds, 5 how many names, then these; then for each job, the last first: how many guards,
--          and each: number, how many keys and arguments, arguments
-- returns  nothing where something else is kept by now; else for each job: 1 (it is back), 0 (it is where it went
--          no more), 2 (it was back already), or text: place of the guard that declines and why ('?1 jid'), '!'
--          and an error. What is declined or refused stays kept.
local FIELDS = 7
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return false end
local count, deep, names = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
local place, idle, rung = {}, {}, {}
for n = 1, names do
  place[ARGV[5 + n]], idle[ARGV[5 + n]] = KEYS[7 + n], KEYS[7 + names + n]
end
local key, at = 8 + 2 * names, 6 + names

local function failed(reply)
  return type(reply) == 'table' and reply.err
end

local function guards_of()
  local found = {}
  for g = 1, tonumber(ARGV[at]) do
    local number, keys, args = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    found[g] = {number, {unpack(KEYS, key, key + keys - 1)}, {unpack(ARGV, at + 4, at + 3 + args)}}
    key, at = key + keys, at + 3 + args
  end
  at = at + 1
  return found
end

local function is_list(name)
  return name:sub(1, 6) == 'queue:'
end

-- Take a job from where the act has put it; returns whether it is there.
local function leave(name, job)
  if name == '' then return true end
  if not is_list(name) then
    if redis.call('ZREM', place[name], job) == 0 then return false end
    if name == 'dead' then forget(KEYS[3], KEYS[3], KEYS[4], KEYS[5], {job}) end
    return true
  end
  if not redis.call('LPOS', place[name], job, 'MAXLEN', deep) then return false end
  return redis.call('LREM', place[name], 1, job) == 1
end

local function into_list(name, raw, older, newer)
  local list = place[name]
  local put = older ~= '' and redis.pcall('LINSERT', list, 'BEFORE', older, raw)
  if failed(put) then return put end
  if not put or put < 1 then put = newer ~= '' and redis.pcall('LINSERT', list, 'AFTER', newer, raw) end
  -- Those that were before it are gone, and it was older than whatever came since.
  if not put or put < 1 then put = redis.pcall('RPUSH', list, raw) end
  if failed(put) then return put end
  redis.pcall('SADD', KEYS[6], name:sub(7))
  rung[name] = (rung[name] or 0) + 1
  return 1
end

local function back(one, guards)
  local source, score, raw, target = one[1], one[2], one[3], one[4]
  local job = one[5] ~= '' and one[5] or raw
  local due = source == 'schedule' and score or nil
  for g, guard in ipairs(guards) do
    local went, why = pcall(checks[guard[1]], guard[2], guard[3], raw, due, true)
    if not went then return '!' .. (type(why) == 'table' and why.err or tostring(why)) end
    if why then return '?' .. g .. ' ' .. tostring(why) end
  end
  local was = target ~= '' and not is_list(target) and redis.call('ZSCORE', place[target], job)
  if not leave(target, job) then return 0 end
  local put
  if is_list(source) then put = into_list(source, raw, one[6], one[7])
  else put = redis.pcall('ZADD', place[source], 'NX', score, raw) end
  if failed(put) then
    if was then redis.call('ZADD', place[target], was, job)
    elseif target ~= '' then redis.call('LPUSH', place[target], job) end
    return '!' .. put.err
  end
  for _, guard in ipairs(guards) do pcall(takes[guard[1]], guard[2], guard[3], raw, due, true) end
  return put == 1 and 1 or 2
end

local all = redis.call('LRANGE', KEYS[1], -FIELDS * count, -1)
redis.call('LTRIM', KEYS[1], 0, -FIELDS * count - 1)
local answers, promoted = {}, false
for n = 1, count do
  local first = #all - FIELDS * n
  local one = {unpack(all, first + 1, first + FIELDS)}
  local went, answer = pcall(back, one, guards_of())
  if not went then answer = '!' .. (type(answer) == 'table' and answer.err or tostring(answer)) end
  if type(answer) == 'string' then
    for field = FIELDS, 1, -1 do redis.call('LPUSH', KEYS[1], one[field]) end
    redis.call('EXPIRE', KEYS[1], ARGV[4])
  end
  promoted = promoted or one[1] == 'schedule' or one[1] == 'retry'
  answers[n] = answer
end
for name, jobs in pairs(rung) do ring(idle[name], jobs) end
if promoted then redis.pcall('PUBLISH', KEYS[7], '1') end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
return answers
