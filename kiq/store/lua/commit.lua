-- Finish a promotion: claimed jobs leave the in-flight hash and enter their queues.
-- KEYS     1 in-flight hash, 2 set of queues, then for each queue: list, idle owners
-- ARGV     for each queue its name, then for each how many jobs, then all delivery ids in that order,
--          then all payloads
-- returns  how many entered a queue, then queue index and text for each queue that refused
-- A queue gets its jobs by the hundred: one by one took three times as long.
local queues = (#KEYS - 2) / 2
local jobs = (#ARGV - 2 * queues) / 2
local result = {0}

-- Move a chunk of queue q; returns how many entered it, and the text of an error.
local function move(q, first, last)
  local found = redis.call('HMGET', KEYS[1], unpack(ARGV, first, last))
  local ids, fields, payloads = {}, {}, {}
  for i = 1, #found do
    if found[i] then
      local id = ARGV[first + i - 1]
      ids[#ids + 1] = id
      payloads[#payloads + 1] = ARGV[first + i - 1 + jobs]
      fields[#fields + 1] = id; fields[#fields + 1] = found[i]
    end
  end
  if #ids == 0 then return 0 end
  redis.call('HDEL', KEYS[1], unpack(ids))
  local wrote = redis.pcall('LPUSH', KEYS[1 + 2 * q], unpack(payloads))
  if type(wrote) == 'table' and wrote.err then
    redis.call('HSET', KEYS[1], unpack(fields))
    return 0, wrote.err
  end
  return #ids
end

local at = 2 * queues + 1
for q = 1, queues do
  local last, pushed = at + tonumber(ARGV[queues + q]) - 1, 0
  for first = at, last, 100 do
    local moved, problem = move(q, first, math.min(first + 99, last))
    pushed = pushed + moved
    if problem then result[#result + 1] = q; result[#result + 1] = problem; break end
  end
  if pushed > 0 then
    result[1] = result[1] + pushed
    redis.pcall('SADD', KEYS[2], ARGV[q])
    ring(KEYS[2 + 2 * q], pushed)
  end
  at = last + 1
end
return result
