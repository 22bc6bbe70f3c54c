-- Take jobs from queues into the owner's in-flight hashes.
-- KEYS     1 owner record, 2 suspects, then for each queue: list, in-flight hash, idle owners; then the same
--          for each band of one; the last: names of paused queues
-- ARGV     1 owner, 2 epoch, 3 call number, 4 how many, 5 how many bytes, 6 'strict' or 'share',
--          7 '1' when the owner's name stands in the idle sets, then for each queue: weight, pass,
--          how many jobs of it at most ('': any number); then, if there are any, for each band: weight and
--          pass, beside 1 and 0 of the queue's own list, number of its queue; and how many bands
-- returns  {'fenced'}; or {'stale'}, also for a call number that took something before; or
--          {'ok', payloads, chunks, held, empty, suspicions, added, errors, dry}:
--          payloads[i] has the delivery id "call.i"; chunks = list index, count, ... in that order;
--          held = HLEN of each in-flight hash; empty = 1 for each queue that ran out, is paused,
--          or of which no more may be taken;
--          suspicions = payload index, level, ...; added = idle names that were not there;
--          errors = list index, text, ...; dry = 1 for each list that ran out, if there are bands
redis.call('HDEL', KEYS[1], '')
local record = redis.call('HMGET', KEYS[1], 'epoch', 'call')
local seen, last = tonumber(record[1] or ''), tonumber(record[2] or '')
local epoch = tonumber(ARGV[2])
if not seen then return {'fenced'} end
if seen > epoch then return {'stale'} end
-- The same call once more would write over the fields of the first: lost jobs.
if last and tonumber(ARGV[3]) <= last then return {'stale'} end
if seen < epoch then redis.call('HSET', KEYS[1], 'epoch', ARGV[2]) end

local lists = (#KEYS - 3) / 3
local queues = lists - (ARGV[8 + 3 * lists] or 0)
local want, bytes, budget = tonumber(ARGV[4]), 0, tonumber(ARGV[5])
local payloads, chunks, empty, errors, total = {}, {}, {}, {}, 0
local most, dry = {}, {}
for l = 1, lists do dry[l] = 0 end
for q = 1, queues do empty[q], most[q] = 0, tonumber(ARGV[7 + 3 * q]) or math.huge end

-- A paused queue is as good as empty. Its pushes need not wake us either: unpausing rings everybody.
local paused, pauses = {}, redis.pcall('SCARD', KEYS[#KEYS])
if type(pauses) == 'number' and pauses > 0 and queues > 0 then
  -- In whatever namespace: that is what the last key has before its own word.
  local names, before = {}, #KEYS[#KEYS] - #'paused' + #'queue:'
  for q = 1, queues do names[q] = KEYS[q * 3]:sub(before + 1) end
  local flags = redis.call('SMISMEMBER', KEYS[#KEYS], unpack(names))
  for q = 1, queues do
    if flags[q] == 1 then paused[q], empty[q] = true, 1 end
  end
end

local function put_back(list, popped, from)
  for i = #popped, from, -1 do redis.call('RPUSH', list, popped[i]) end
end

-- Pop one chunk of list l; returns how many were kept. What goes over the byte budget is put back at once.
local function pop(l, limit)
  local list, flight = KEYS[l * 3], KEYS[l * 3 + 1]
  local popped = redis.pcall('RPOP', list, limit)
  if not popped or popped.err then
    dry[l] = 1
    if popped then errors[#errors + 1] = l; errors[#errors + 1] = popped.err end
    return 0
  end
  if #popped < limit then dry[l] = 1 end
  local fields, kept, size = {}, 0, 0
  for i = 1, #popped do
    if bytes + size >= budget then break end
    size = size + #popped[i]
    kept = i
    fields[2 * i - 1] = ARGV[3] .. '.' .. (total + i)
    fields[2 * i] = popped[i]
  end
  local written = redis.pcall('HSET', flight, unpack(fields))
  if type(written) == 'table' and written.err then
    put_back(list, popped, 1)
    dry[l] = 1
    errors[#errors + 1] = l; errors[#errors + 1] = written.err
    return 0
  end
  bytes = bytes + size
  if kept < #popped then put_back(list, popped, kept + 1); dry[l] = 0 end
  for i = 1, kept do payloads[total + i] = popped[i] end
  total = total + kept
  chunks[#chunks + 1] = l; chunks[#chunks + 1] = kept
  return kept
end

-- Take up to `limit` jobs of one list, in chunks that the bytes seen so far allow. They grow from
-- one: what is popped over the budget is written twice, and large jobs would be by the dozen.
local function draw(l, limit)
  local got = 0
  while got < limit and bytes < budget and dry[l] == 0 do
    local size = 1
    if total > 0 then size = math.floor((budget - bytes) / math.max(1, bytes / total)) end
    got = got + pop(l, math.max(1, math.min(size, limit - got, total * 10, 100)))
  end
  return got
end

-- Of queues that have bands: their lists, the first in priority first; of each its weight and its pass.
local bands, share, had = {}, {}, {}
for l = queues + 1, lists do
  local q = tonumber(ARGV[7 + 3 * l])
  if not bands[q] then bands[q], share[q], had[q] = {q}, 1, 0 end
  share[l], had[l] = tonumber(ARGV[5 + 3 * l]), tonumber(ARGV[6 + 3 * l])
  table.insert(bands[q], share[l] > 1 and 1 or #bands[q] + 1, l)
end

-- Return the list whose turn it is in a queue that has bands, and how many jobs until it is another's. It is the
-- one whose next job brings it the least per weight: so one that had nothing waits for its share as well.
local function turn(q)
  local next, first, second = nil, math.huge, math.huge
  for _, l in ipairs(bands[q]) do
    local due = had[l] + 1 / share[l]
    if dry[l] == 1 then due = math.huge end
    if due < first then next, first, second = l, due, first
    elseif due < second then second = due end
  end
  if not next or second == math.huge then return next, want end
  return next, math.floor((second - first) * share[next]) + 1
end

-- Take up to `limit` jobs of one queue.
local function take(q, limit)
  if empty[q] == 1 then return 0 end
  local got, next, count = 0, q, limit
  limit = math.min(limit, most[q])
  repeat
    if bands[q] then next, count = turn(q) end
    if not next then break end
    local drawn = draw(next, math.min(count, limit - got))
    got = got + drawn
    if bands[q] then had[next] = had[next] + drawn / share[next] end
  until not bands[q] or got >= limit or bytes >= budget
  most[q] = most[q] - got
  if most[q] <= 0 then empty[q] = 1
  elseif bands[q] then empty[q] = turn(q) and 0 or 1
  else empty[q] = dry[q] end
  return got
end

if ARGV[6] == 'strict' then
  for q = 1, queues do want = want - take(q, want) end
else
  -- Stride scheduling: the next queue is the one that has had the least per weight.
  local weight, pass = {}, {}
  for q = 1, queues do
    weight[q] = tonumber(ARGV[5 + 3 * q]); pass[q] = tonumber(ARGV[6 + 3 * q])
  end
  local quantum = math.max(1, math.ceil(want / 16))
  if queues == 1 then quantum = want end
  while want > 0 and bytes < budget do
    local next
    for q = 1, queues do
      if empty[q] == 0 and (not next or pass[q] < pass[next]) then next = q end
    end
    if not next then break end
    local got = take(next, math.min(quantum, want))
    pass[next] = pass[next] + got / weight[next]
    want = want - got
  end
end

if total > 0 then redis.call('HSET', KEYS[1], 'call', ARGV[3]) end

local held, added = {}, 0
for l = 1, lists do
  local length = redis.pcall('HLEN', KEYS[l * 3 + 1])
  held[l] = type(length) == 'number' and length or -1
end
for q = 1, queues do
  if total == 0 and not paused[q] then
    local new = redis.pcall('SADD', KEYS[q * 3 + 2], ARGV[1])
    if type(new) == 'number' then added = added + new end
  elseif ARGV[7] == '1' then
    redis.pcall('SREM', KEYS[q * 3 + 2], ARGV[1])
  end
end

return {'ok', payloads, chunks, held, empty, suspicions(KEYS[2], payloads), added, errors,
  lists > queues and dry or nil}
