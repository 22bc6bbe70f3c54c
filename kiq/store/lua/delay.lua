-- Settle jobs of one in-flight hash that go to one sorted set: all of them, or none if the set refuses.
-- KEYS     1 in-flight hash, 2 sorted set, 3 stat:processed, 4 of the day, 5 stat:failed, 6 of the day
-- ARGV     1 whether a job counts as processed ('1'), 2 as failed, 3 TTL of a day's counter, then for each
--          job its delivery id, score in seconds from now, payload; a hundred jobs at most
-- returns  how many moved, then the places of those that were not in flight any more; an error when the
--          set refused: then all are in flight as before
redis.call('HDEL', KEYS[1], '')
local ids = {}
for at = 4, #ARGV, 3 do ids[#ids + 1] = ARGV[at] end
local held = redis.call('HMGET', KEYS[1], unpack(ids))
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local result, gone, back, added = {0}, {}, {}, {}
for i = 1, #ids do
  if held[i] then
    gone[#gone + 1] = ids[i]
    back[#back + 1] = ids[i]; back[#back + 1] = held[i]
    added[#added + 1] = string.format('%.6f', now + ARGV[3 * i + 2])
    added[#added + 1] = ARGV[3 * i + 3]
  else
    result[#result + 1] = i
  end
end
if #gone == 0 then return result end
redis.call('HDEL', KEYS[1], unpack(gone))
local wrote = redis.pcall('ZADD', KEYS[2], unpack(added))
if type(wrote) == 'table' and wrote.err then
  redis.call('HSET', KEYS[1], unpack(back))
  return redis.error_reply(wrote.err)
end
local function count(total, day, counts)
  if counts ~= '1' then return end
  redis.pcall('INCRBY', total, #gone)
  redis.pcall('INCRBY', day, #gone)
  redis.pcall('EXPIRE', day, ARGV[3])
end
count(KEYS[3], KEYS[4], ARGV[1])
count(KEYS[5], KEYS[6], ARGV[2])
result[1] = #gone
return result
