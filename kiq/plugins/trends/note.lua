-- Add what a worker took of its queues; and if the last moment is some seconds old, note this one.
-- KEYS     1 taken, 2 moments, 3 set of queues, 4 stat:processed, 5 stat:failed, 6 what a queue's key begins with
-- ARGV     1 seconds from moment to moment, 2 moments that are kept, 3 TTL, 4 most queues of a moment,
--          then queue, jobs taken, queue, ...
-- returns  1 if it noted a moment, else 0
-- A moment is JSON: [time, processed, failed, {queue: [size, taken]}]. Queues that never had anything are left out.
for at = 5, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[at], ARGV[at + 1]) end
if #ARGV > 4 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end

local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local last = redis.call('LINDEX', KEYS[2], 0)
local before = last and tonumber(string.match(last, '^%[([%d.]+)'))
-- A moment that lies ahead was noted before the clock was set back: it stands in nobody's way.
if before and before <= now + 1 and now - before < tonumber(ARGV[1]) then return 0 end

local taken, names = {}, redis.call('SMEMBERS', KEYS[3])
if #names > tonumber(ARGV[4]) then return 0 end
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do taken[all[at]] = tonumber(all[at + 1]) end
local queues, some, sizes = {}, false, {}
for _, name in ipairs(names) do
  local size = redis.pcall('LLEN', KEYS[6] .. name)
  local queue = string.match(name, '^[^\31]*') -- of a band, the name goes on behind that
  sizes[queue] = (sizes[queue] or 0) + (type(size) == 'number' and size or 0)
end
for name, size in pairs(sizes) do
  if size > 0 or taken[name] then
    queues[name] = {size, taken[name] or 0}
    some = true
  end
end
local processed = redis.pcall('GET', KEYS[4])
local failed = redis.pcall('GET', KEYS[5])
local function number(value) return type(value) == 'string' and tonumber(value) or 0 end
local text = string.format('[%.3f,%.0f,%.0f,%s]', now, number(processed), number(failed),
  some and cjson.encode(queues) or '{}')
redis.call('LPUSH', KEYS[2], text)
while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[2]) do redis.call('RPOP', KEYS[2]) end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
