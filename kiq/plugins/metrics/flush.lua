-- Add one batch of metrics, once: a repeat after a lost reply does nothing.
-- KEYS     1 number of the last batch of this process, 2 runs of the minute, 3 runs of ten minutes,
--          4 waits of the minute, 5 waits of ten minutes, 6... one histogram for each class
-- ARGV     1 number of this batch, 2 its TTL, 3 TTL of a minute, 4 TTL of ten minutes,
--          5 JSON: for each class {name, ended, failed, ms, {bucket, count, ...}, waits, ms, {...}}
-- returns  how many commands Redis refused (a key of another type is in the way); -1 for a repeat
if (tonumber(redis.call('GET', KEYS[1])) or 0) >= tonumber(ARGV[1]) then return -1 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])

local refused = 0
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then refused = refused + 1 end
end
local function add(key, field, number)
  if number ~= 0 then try('HINCRBY', key, field, number) end
end

for at, class in ipairs(cjson.decode(ARGV[5])) do
  local name, ended, failed, ran, times, waits, waited, wait_times = unpack(class)
  for _, key in ipairs({KEYS[2], KEYS[3]}) do
    add(key, name .. '|p', ended)
    add(key, name .. '|f', failed)
    add(key, name .. '|ms', ran)
  end
  for _, key in ipairs({KEYS[4], KEYS[5]}) do
    add(key, name .. '|n', waits)
    add(key, name .. '|ms', waited)
    for i = 1, #wait_times, 2 do add(key, name .. '|' .. wait_times[i], wait_times[i + 1]) end
  end
  if #times > 0 then
    local fields = {}
    for i = 1, #times, 2 do
      for _, part in ipairs({'INCRBY', 'u16', '#' .. times[i], times[i + 1]}) do
        fields[#fields + 1] = part
      end
    end
    try('BITFIELD', KEYS[5 + at], 'OVERFLOW', 'SAT', unpack(fields))
    try('EXPIRE', KEYS[5 + at], ARGV[3])
  end
end
for at = 2, 5 do try('EXPIRE', KEYS[at], at % 2 == 0 and ARGV[3] or ARGV[4]) end
return refused
