-- Begin a new epoch of an owner's connection: late calls of the old connection do nothing any more.
-- KEYS     1 owner record
-- ARGV     1 the least epoch to begin
-- returns  the epoch that holds from now on (higher than any seen), or 0 when fenced
redis.call('HDEL', KEYS[1], '')
local seen = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '')
if not seen then return 0 end
local epoch = math.max(tonumber(ARGV[1]), seen + 1)
redis.call('HSET', KEYS[1], 'epoch', epoch)
return epoch
