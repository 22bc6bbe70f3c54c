-- Make an owner known, with its lease, before it takes anything.
-- KEYS     1 owner record, 2 set of owners
-- ARGV     1 owner, then pairs of field and value of the record
-- returns  1
-- A registration that arrives late, after its repeat, keeps the epoch: else old calls would count again.
-- The HDEL makes a full Redis accept what follows: it refuses only a script's first write.
redis.call('HDEL', KEYS[1], 'absent')
local epoch, time = redis.call('HGET', KEYS[1], 'epoch'), redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
redis.call('HSET', KEYS[1], 'beat', now, unpack(ARGV, 2))
if epoch then redis.call('HSET', KEYS[1], 'epoch', epoch) end
redis.call('SADD', KEYS[2], ARGV[1])
return 1
