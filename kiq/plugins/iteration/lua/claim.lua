-- Begin a run: from here on it alone writes the state of its job.
-- KEYS     1 the state, 2 until when states are kept
-- ARGV     1 name of the run, 2 name of the push, 3 seconds that a state is kept, 4 name of the state
-- returns  fields and values of the state that earlier runs have left
redis.call('HDEL', KEYS[1], '')  -- a full Redis accepts what follows: it refuses only a first write
local finished = redis.call('HGET', KEYS[1], 'fin')
if finished then
  if finished == ARGV[2] then return redis.call('HGETALL', KEYS[1]) end
  -- The same jid was pushed once more after its end: that is another job.
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'run', ARGV[1])
redis.pcall('PERSIST', KEYS[1])  -- Ruby's `cancel!` gives it a TTL, and a full Redis might evict it
redis.pcall('ZADD', KEYS[2], redis.call('TIME')[1] + ARGV[3], ARGV[4])
return redis.call('HGETALL', KEYS[1])
