-- Take due members of a sorted set into the poller's in-flight hash, with their scores.
-- KEYS     1 owner record, 2 sorted set, 3 in-flight hash
-- ARGV     1 call number, 2 how many, 3 how many bytes
-- returns  {'fenced'}, or {'ok', payloads, next due score or '', Redis's time}
-- A field's value is "score|payload"; due by Redis's own clock.
redis.call('HDEL', KEYS[1], '')
if redis.call('EXISTS', KEYS[1]) == 0 then return {'fenced'} end
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local fields, payloads, bytes, budget = {}, {}, 0, tonumber(ARGV[3])
for i = 1, #due, 2 do
  if bytes >= budget then break end
  bytes = bytes + #due[i]
  payloads[#payloads + 1] = due[i]
  fields[#fields + 1] = ARGV[1] .. '.' .. #payloads
  fields[#fields + 1] = due[i + 1] .. '|' .. due[i]
end
for first = 1, #payloads, 4000 do
  redis.call('ZREM', KEYS[2], unpack(payloads, first, math.min(first + 3999, #payloads)))
end
if #fields > 0 then
  local wrote = redis.pcall('HSET', KEYS[3], unpack(fields))
  if type(wrote) == 'table' and wrote.err then
    for i = 1, #payloads do redis.call('ZADD', KEYS[2], due[2 * i], due[2 * i - 1]) end
    return redis.error_reply(wrote.err)
  end
end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {'ok', payloads, first[2] or '', now}
