-- Finish a promotion: claimed jobs leave the in-flight hash and enter their queues.
-- KEYS     1 in-flight hash, 2 set of queues, then for each queue: list, idle owners
-- ARGV     for each queue its name, then triples of delivery id, queue index, payload
-- returns  how many entered a queue, then queue index and text for each that refused
local queues = (#KEYS - 2) / 2
local pushed, result = {}, {0}
for q = 1, queues do pushed[q] = 0 end
for at = queues + 1, #ARGV, 3 do
  local q = tonumber(ARGV[at + 1])
  local held = redis.call('HGET', KEYS[1], ARGV[at])
  if held then
    redis.call('HDEL', KEYS[1], ARGV[at])
    local wrote = redis.pcall('LPUSH', KEYS[1 + 2 * q], ARGV[at + 2])
    if type(wrote) == 'table' and wrote.err then
      redis.call('HSET', KEYS[1], ARGV[at], held)
      result[#result + 1] = q; result[#result + 1] = wrote.err
    else
      pushed[q] = pushed[q] + 1
    end
  end
end
for q = 1, queues do
  if pushed[q] > 0 then
    result[1] = result[1] + pushed[q]
    redis.pcall('SADD', KEYS[2], ARGV[q])
    ring(KEYS[2 + 2 * q], pushed[q])
  end
end
return result
