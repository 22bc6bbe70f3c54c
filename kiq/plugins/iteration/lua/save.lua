-- Save what a run has come to, unless a later run goes on with the job: then nothing is written.
-- KEYS     1 the state, 2 suspects, 3 until when states are kept
-- ARGV     1 name of the run, 2 seconds that the state is kept, 3 digest of a suspect that has got on, or
--          '', 4 name of the state, 5... fields and values
-- returns  {since when the job is cancelled, or nil}; nil when it is a later run's
redis.call('HDEL', KEYS[1], '')  -- a full Redis accepts what follows: it refuses only a first write
local run = redis.call('HGET', KEYS[1], 'run')
if run and run ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'run', ARGV[1], unpack(ARGV, 5))
redis.pcall('PERSIST', KEYS[1])  -- Ruby's `cancel!` gives it a TTL, and a full Redis might evict it
redis.pcall('ZADD', KEYS[3], redis.call('TIME')[1] + ARGV[2], ARGV[4])
if ARGV[3] ~= '' then redis.pcall('HDEL', KEYS[2], ARGV[3]) end
return {redis.call('HGET', KEYS[1], 'cancelled')}
