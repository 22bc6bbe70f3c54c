-- Shared by the pieces of batches: who has left, which events that makes, and who else has to know.
-- KEYS     1 scheduled set, 2 channel of the poller, 3 batches that have not ended, 4 batches that are over,
--          5 all batches, then for a batch, the one it belongs to, and so on: record, jobs, others
-- ARGV     1 id of the batch: that of its parent, a dot, and more
-- Jobs of which no attempt has ended are in the set `jobs`; `others` has the rest, each with a score:
-- 0 a batch within, or a callback of one, that has not come to its first end, 1 a job that will be retried,
-- 2 a batch, or callback, that may yet succeed, 3 dead, 4 deleted, 5 cancelled, 6 lost, 7 failed without a
-- dead set, 8 refused at its push, 9 a batch, or callback, that has come to an end without success. Up to 2
-- something can still run. Who succeeded is in neither, so nothing is ever counted down.
local SHARED = 5
local levels = math.floor((#KEYS - SHARED) / 3)
local bids = {ARGV[1]}
for level = 2, levels do bids[level] = bids[level - 1]:match('^(.*)%.[^.]*$') end

local function at(level)
  local first = SHARED + 3 * level - 2
  return KEYS[first], KEYS[first + 1], KEYS[first + 2]
end

local function clock()
  local time = redis.call('TIME')
  return string.format('%d.%06d', time[1], time[2])
end

-- Tell of an event, once: its callbacks are pushed by the poller, and the parent waits for them. The mark comes
-- behind that: where it is missing, the sweep asks again.
local function fire(level, event, now)
  local record = at(level)
  if redis.call('HEXISTS', record, event .. '_at') == 1 then return end
  local due, jids = {}, nil
  while true do
    local raw = redis.call('HGET', record, 'on_' .. event .. ':' .. (#due / 2 + 1))
    if not raw then break end
    due[#due + 1] = now
    due[#due + 1] = raw
  end
  if #due > 0 then
    redis.call('ZADD', KEYS[1], unpack(due))
    jids = redis.call('HGET', record, 'on_' .. event)
  end
  redis.call('HSET', record, event .. '_at', now)
  if jids and level < levels then
    local _, _, others = at(level + 1)
    for jid in jids:gmatch('%S+') do redis.call('ZADD', others, 0, jid) end
  end
  if #due > 0 then redis.pcall('PUBLISH', KEYS[2], '1') end
end

-- A job has died for good: this batch, and those that it is in, tell of it.
local function mourn(now)
  for level = 1, levels do
    local state = redis.call('HGET', (at(level)), 'state')
    if state and state ~= 'cancelled' then fire(level, 'death', now) end
  end
end

-- Nothing of a batch can run any more: it is kept for a while. Ends of ends are not news.
local function retire(level, now, state, succeeded)
  local life = succeeded and 86400 or state == 'cancelled' and 7 * 86400 or 180 * 86400
  local record, jobs, others = at(level)
  for _, key in ipairs({record, jobs, others}) do redis.call('EXPIRE', key, life) end
  redis.call('ZADD', KEYS[4], now + life, bids[level])
  redis.call('SREM', KEYS[3], bids[level])
end

-- See what a batch has come to; then the one that it is in.
local function judge(level, now)
  local record, jobs, others = at(level)
  if redis.call('EXISTS', jobs) == 1 then return end
  local state, complete, success = unpack(redis.call('HMGET', record, 'state', 'complete_at', 'success_at'))
  if not state or state == 'open' then return end
  local runs = redis.call('ZCOUNT', others, 0, 2) > 0
  local news
  if state ~= 'cancelled' then
    if not complete and redis.call('ZCOUNT', others, 0, 0) == 0 then
      fire(level, 'complete', now)
      complete, news = now, 2
    end
    if complete and not success and redis.call('EXISTS', others) == 0 then
      fire(level, 'success', now)
      success, news = now, 0
    end
  end
  if not runs then
    if redis.call('HEXISTS', record, 'end_at') == 0 then
      fire(level, 'end', now)
      news = success and 0 or 9
    end
    retire(level, now, state, success)
  end
  if level == levels or not news then return end
  local _, _, outer = at(level + 1)
  if redis.call('ZSCORE', outer, bids[level]) then
    if news == 0 then redis.call('ZREM', outer, bids[level]) else redis.call('ZADD', outer, news, bids[level]) end
    judge(level + 1, now)
  end
end

-- Why nothing may be added to a batch; nil: it may. A job of its own may as long as success has not been told.
local function closed(level, jid)
  for outer = level, levels do
    local state = redis.call('HGET', (at(outer)), 'state')
    if not state then return 'gone' end
    if state == 'cancelled' then return 'cancelled' end
  end
  local record, jobs, others = at(level)
  if redis.call('HEXISTS', record, 'success_at') == 1 then return 'finished' end
  if redis.call('HEXISTS', record, 'end_at') == 0 then return nil end
  if redis.call('SISMEMBER', jobs, jid) == 1 or redis.call('ZSCORE', others, jid) then return nil end
  return 'finished'
end

-- A batch lives on that was over.
local function revive(level)
  local record, jobs, others = at(level)
  if redis.call('HEXISTS', record, 'end_at') == 0 then return end
  for _, key in ipairs({record, jobs, others}) do redis.call('PERSIST', key) end
  redis.call('ZREM', KEYS[4], bids[level])
  redis.call('SADD', KEYS[3], bids[level])
end
