-- Shared by the pieces of limits. A limit is six keys (keys.py) and five arguments: kind, name, its terms
-- ("size seconds") as the caller has them ('': as they are here), '1' where these are of code, not of an old job,
-- and how many of `size` a job takes.
local GRACE = 2 -- seconds for which room is kept for a job that was called
local SHORT = 0.25 -- seconds: jobs that take no longer are counted to their end
local BRIEF = 0.05 -- seconds that a job waits on its thread: to go back and to come again takes longer
local WEEK = 604800

local function stamp(time) return string.format('%.6f', time) end

local function clock()
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end

-- For how long a start may be earlier than the call that it stands for.
local function slack(l) return math.min(l.per / 20, 1) end

local function limit_of(keys, key, args, arg)
  return {
    present = keys[key], line = keys[key + 1], parked = keys[key + 2], called = keys[key + 3],
    terms = keys[key + 4], facts = keys[key + 5],
    kind = args[arg], id = args[arg + 1], said = args[arg + 2], strong = args[arg + 3] == '1',
    cost = tonumber(args[arg + 4]),
  }
end

-- Which numbers are in force: those never seen before are the newest, older ones come back when nobody has asked
-- with the newest for a minute. Returns false where none are known.
local function learn(l, now)
  local found = redis.call('HMGET', l.terms, 'now', 'seen')
  local text, seen = found[1], tonumber(found[2] or '') or 0
  if l.said ~= '' and text ~= l.said and (l.strong or not text) then
    local known = text and redis.call('HEXISTS', l.terms, '=' .. l.said) == 1
    if not known or now - seen > 60 then
      if redis.call('HLEN', l.terms) > 24 then redis.call('DEL', l.terms) end
      redis.call('HSET', l.terms, 'now', l.said, 'seen', stamp(now), '=' .. l.said, '1')
      redis.call('EXPIRE', l.terms, 13 * WEEK)
      text = l.said
    end
  elseif l.strong and text == l.said and now - seen > 5 then
    redis.call('HSET', l.terms, 'seen', stamp(now))
    redis.call('EXPIRE', l.terms, 13 * WEEK)
  end
  if not text then return false end
  local size, per = text:match('^(%S+) (%S+)$')
  l.size, l.per = tonumber(size), tonumber(per)
  return true
end

-- How much is free, those that were called not counted. Reads only.
local function measure(l, now)
  local closed = tonumber(redis.call('HGET', l.facts, 'closed') or '')
  l.closed = closed and closed > now and closed
  if l.kind == 'concurrent' then
    l.used = redis.call('ZCOUNT', l.present, '(' .. stamp(now), '+inf')
  elseif l.kind == 'window' then
    l.used = redis.call('ZCOUNT', l.present, '(' .. stamp(now - l.per), '+inf')
  else
    local found = redis.call('HMGET', l.present, 'at', 'used')
    local at, used = tonumber(found[1] or '') or 0, tonumber(found[2] or '') or 0
    if l.kind == 'bucket' then
      l.at = math.max(at, math.floor(now / l.per)) -- time that has been does not come back
      l.used = l.at == at and used or 0
    else
      l.at = math.max(at, now)
      l.used = math.max(0, used - (l.at - at) * l.size / l.per)
    end
  end
  l.free = l.size - l.used
end

-- When so many of `size` are free together; nil: nobody knows.
local function opening(l, now, units)
  local lack, at = units - l.free, now
  if lack > 0.000001 then
    if l.kind == 'concurrent' then return nil
    elseif l.kind == 'window' then
      local back = math.ceil(lack) - 1
      local round = math.floor(back / math.max(1, l.used))
      local place = redis.call('ZCARD', l.present) - l.used + back % math.max(1, l.used)
      local entry = redis.call('ZRANGE', l.present, place, place, 'WITHSCORES')
      local latest = tonumber(entry[2] or '') or now
      if latest > now then -- it is under way: it counts until it is over, which is soon as a rule
        local took = tonumber(redis.call('HGET', l.facts, 'took') or '') or 0
        latest = math.min(latest, now + took)
      end
      at = latest + l.per * (round + 1) + 0.0005
    elseif l.kind == 'bucket' then
      at = (l.at + math.ceil(lack / l.size)) * l.per + 0.0005
    else
      at = l.at + lack * l.per / l.size + 0.0005
    end
  end
  if l.closed then -- it opens again step by step
    local step = l.kind == 'concurrent' and 0.05 or l.per / l.size
    at = math.max(at, l.closed + 0.0005 + (units - l.cost) * step)
  end
  return at
end

-- How many that were called should be here by now, or soon.
local function expected(l, now)
  redis.call('ZREMRANGEBYSCORE', l.called, '-inf', stamp(now - GRACE))
  return redis.call('ZCOUNT', l.called, '-inf', stamp(now))
end

-- Let those that wait longest come when there is room: each for a room of its own. `schedule`, `bell`: keys.
local function call_next(l, now, schedule, bell)
  if redis.call('ZCARD', l.line) == 0 then return end
  expected(l, now)
  local called = redis.call('ZCARD', l.called)
  -- They come a little later than they are called.
  local lead = math.min(tonumber(redis.call('HGET', l.facts, 'late') or '') or 0, BRIEF - 0.01)
  for _ = 1, 200 do
    local units = (called + 1) * l.cost
    local at = units <= math.max(l.size, l.cost) and opening(l, now, units)
    if not at then break end
    if at > now then at = math.max(now, at - lead) end
    local first = redis.call('ZPOPMIN', l.line)
    local who = first[1]
    if not who then break end
    local raw, there = redis.call('HGET', l.parked, who), who:sub(1, 2) == 'w:'
    if raw then
      redis.call('HDEL', l.parked, who)
      there = redis.call('ZSCORE', schedule, raw)
      if there then
        redis.call('ZADD', schedule, 'XX', stamp(at), raw)
        if redis.call('ZRANGE', schedule, 0, 0)[1] == raw then redis.pcall('PUBLISH', bell, '1') end
      end
    end
    if there then
      redis.call('ZADD', l.called, stamp(at), who)
      redis.call('HSET', l.parked, '@' .. who, first[2])
      called = called + 1
    end
  end
  redis.call('EXPIRE', l.called, WEEK)
end

-- Who came, or is gone, waits no more; returns whether others had been passed by for it.
local function forget(l, who)
  local called = redis.call('ZREM', l.called, who) == 1
  redis.call('ZREM', l.line, who)
  redis.call('HDEL', l.parked, who, '@' .. who)
  return called
end

-- What is over by time alone.
local function clean(l, now)
  if l.kind == 'concurrent' then redis.call('ZREMRANGEBYSCORE', l.present, '-inf', stamp(now))
  elseif l.kind == 'window' then redis.call('ZREMRANGEBYSCORE', l.present, '-inf', stamp(now - l.per))
  end
end
