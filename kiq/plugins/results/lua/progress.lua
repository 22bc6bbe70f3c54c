-- Write how far jobs have come that run: of one that is not in flight any more, nothing.
-- KEYS     for each an in-flight hash, then its progress
-- ARGV     for each its delivery there, what is written, milliseconds for which that is kept
-- returns  how many were written
redis.call('HDEL', KEYS[1], '') -- after a first write that changes nothing a full Redis takes the rest
local written = 0
for i = 1, #KEYS / 2 do
  if redis.call('HEXISTS', KEYS[2 * i - 1], ARGV[3 * i - 2]) == 1 then
    redis.call('SET', KEYS[2 * i], ARGV[3 * i - 1], 'PX', ARGV[3 * i])
    written = written + 1
  end
end
return written
