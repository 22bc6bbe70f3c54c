-- Take due members of a sorted set into the poller's in-flight hash, with their scores.
-- KEYS     1 owner record, 2 sorted set, 3 in-flight hash, 4 suspects
-- ARGV     1 call number (for each set they rise), 2 how many, 3 how many bytes
-- returns  {'fenced'}, or {'ok', payloads, next due score or '', Redis's time, suspicions}: payload
--          index, level, ...; an error, with nothing taken, when a key has the wrong type or the call
--          number took something before
-- A field's value is "score|payload"; due by Redis's own clock.
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[1]) == 0 then return {'fenced'} end
local last = tonumber(redis.call('HGET', KEYS[1], 'call ' .. KEYS[2]) or '')
if last and tonumber(ARGV[1]) <= last then
  -- Once more it would write over the fields of the first: lost jobs.
  return redis.error_reply('ERR call number ' .. ARGV[1] .. ' was used before; claim with a higher one')
end
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local want, budget = tonumber(ARGV[2]), tonumber(ARGV[3])
local payloads, bytes = {}, 0

-- Take a chunk; returns how many were taken, or nil and the text of an error.
local function take(limit)
  local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
  local members, fields = {}, {}
  for i = 1, #due, 2 do
    if bytes >= budget then break end
    bytes = bytes + #due[i]
    members[#members + 1] = due[i]
    fields[#fields + 1] = ARGV[1] .. '.' .. (#payloads + #members)
    fields[#fields + 1] = due[i + 1] .. '|' .. due[i]
  end
  if #members == 0 then return 0 end
  redis.call('ZREM', KEYS[2], unpack(members))
  local wrote = redis.pcall('HSET', KEYS[3], unpack(fields))
  if type(wrote) == 'table' and wrote.err then
    for i = 1, #members do redis.call('ZADD', KEYS[2], due[2 * i], due[2 * i - 1]) end
    return nil, wrote.err
  end
  for i = 1, #members do payloads[#payloads + 1] = members[i] end
  return #members
end

while #payloads < want and bytes < budget do
  local size = 1
  if #payloads > 0 then size = math.floor((budget - bytes) / math.max(1, bytes / #payloads)) end
  size = math.max(1, math.min(size, want - #payloads, #payloads * 10, 100))
  local got, problem = take(size)
  if not got then return redis.error_reply(problem) end
  if got < size then break end
end
if #payloads > 0 then redis.call('HSET', KEYS[1], 'call ' .. KEYS[2], ARGV[1]) end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {'ok', payloads, first[2] or '', now, suspicions(KEYS[4], payloads)}
