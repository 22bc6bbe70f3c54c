-- Bring payloads to one place, each if the guards that it has permit it (`checks`, `takes`, `undos`, above).
-- KEYS     1 queue list, or sorted set, 2 set of queues, 3 idle owners of the queue, or channel of the poller,
--          4 in-flight hash, or tokens of pushes that may be sent again, 5... those of the guards
-- ARGV     1 'queue', 'set', or 'due' (from the in-flight hash to the queue), 2 queue name, 3 token, '' for none,
--          4 how many payloads, then each: payload, score or delivery id, how many guards, then each:
--          number, how many keys and arguments, arguments
-- returns  for each payload 1, or 0 where it had been pushed before, or is not in flight, or text: place of the
--          guard that declines and why ('?1 jid'), '!' and an error: it was not pushed, '+' and an error: it
--          was, though a guard failed. An error alone: nothing was pushed.
-- Guards look first, then the job is pushed, then they write: what a full Redis or a broken queue refuses
-- leaves no lock. Payloads come one after the other, so that each sees what the one before has taken.
local how, queue, token, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = redis.call('TIME')[1]
local new, pushed, earliest = 0, 0, nil
local key, at = 5, 5

local function part(list, from, length)
  local found = {}
  for i = 1, length do found[i] = list[from + i - 1] end
  return found
end

local function read(number)
  local job = {raw = ARGV[at], mark = ARGV[at + 1], guards = {}, token = token .. ':' .. number}
  if how == 'set' then job.due = job.mark end
  local guards = tonumber(ARGV[at + 2])
  at = at + 3
  for g = 1, guards do
    local keys, args = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    job.guards[g] = {number = tonumber(ARGV[at]), keys = part(KEYS, key, keys), args = part(ARGV, at + 3, args)}
    key, at = key + keys, at + 3 + args
  end
  return job
end

local function text(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end

local function failed(reply)
  return type(reply) == 'table' and reply.err
end

-- The token, or the way out of flight, goes first.
local function put(job)
  if how == 'due' then
    redis.call('HDEL', KEYS[4], job.mark)
    job.consumed = true
  elseif token ~= '' then
    redis.call('ZADD', KEYS[4], now, job.token)
    job.noted = true
  end
  if how == 'set' then
    job.before = redis.call('ZSCORE', KEYS[1], job.raw)
    redis.call('ZADD', KEYS[1], job.mark, job.raw)
  else
    redis.call('LPUSH', KEYS[1], job.raw)
  end
  job.there = true
end

-- Undo what `put` did; returns whether that was possible.
local function take_back(job)
  if job.there then
    local reply
    if how ~= 'set' then reply = redis.pcall('LREM', KEYS[1], 1, job.raw)
    elseif job.before then reply = redis.pcall('ZADD', KEYS[1], job.before, job.raw)
    else reply = redis.pcall('ZREM', KEYS[1], job.raw)
    end
    if failed(reply) then return false end
  end
  if job.noted then redis.pcall('ZREM', KEYS[4], job.token) end
  if job.consumed then redis.pcall('HSET', KEYS[4], job.mark, job.held) end
  return true
end

local function bring(job)
  if how == 'due' then
    job.held = redis.call('HGET', KEYS[4], job.mark)
    if not job.held then return 0 end
  elseif token ~= '' then
    local known = redis.pcall('ZSCORE', KEYS[4], job.token)
    if failed(known) then return '!' .. known.err, true end
    if known then return 0 end
  end
  for g, guard in ipairs(job.guards) do
    local went, why = pcall(checks[guard.number], guard.keys, guard.args, job.raw, job.due, how == 'due')
    if not went then return '!' .. text(why) end
    if why then return '?' .. g .. ' ' .. tostring(why) end
  end
  local went, problem = pcall(put, job)
  if not went then
    take_back(job)
    return '!' .. text(problem), true
  end
  for g, guard in ipairs(job.guards) do
    went, problem = pcall(takes[guard.number], guard.keys, guard.args, job.raw, job.due, how == 'due')
    if not went then
      if not take_back(job) then return '+' .. text(problem) end
      for u = g, 1, -1 do
        guard = job.guards[u]
        pcall(undos[guard.number], guard.keys, guard.args, job.raw, job.due, how == 'due')
      end
      return '!' .. text(problem)
    end
  end
  return 1
end

-- A first write that changes nothing, or little: a replica refuses it, whose locks are old news, and so does a
-- full Redis, but for what is in flight.
if how == 'due' then redis.call('HDEL', KEYS[4], '')
elseif how == 'set' then redis.call('ZADD', KEYS[1], 'XX', 0, '')
else new = redis.call('SADD', KEYS[2], queue)
end
if token ~= '' then
  local old = redis.pcall('ZRANGEBYSCORE', KEYS[4], '-inf', now - 3600, 'LIMIT', 0, math.min(10 + 2 * count, 4000))
  if not failed(old) and #old > 0 then redis.pcall('ZREM', KEYS[4], unpack(old)) end
end
if how == 'set' then earliest = redis.call('ZRANGE', KEYS[1], 0, 0)[1] end
local answers, refused = {}, nil
for number = 1, count do
  local answer, by_place = bring(read(number))
  if answer == 1 or (type(answer) == 'string' and answer:sub(1, 1) == '+') then pushed = pushed + 1 end
  if by_place then refused = refused or answer:sub(2) end
  answers[number] = answer
end
if pushed == 0 then
  if new == 1 then redis.pcall('SREM', KEYS[2], queue) end
  if refused then return redis.error_reply(refused) end
elseif how == 'set' then
  if redis.call('ZRANGE', KEYS[1], 0, 0)[1] ~= earliest then redis.pcall('PUBLISH', KEYS[3], '1') end
else
  if how == 'due' then redis.pcall('SADD', KEYS[2], queue) end
  ring(KEYS[3], pushed)
end
return answers
