-- A unique job is about to start.
-- KEYS     1 lock, 2 names of locks, 3 jids that were replaced, 4 the lock that is held while jobs run
-- ARGV     1 jid, 2 name of the lock, 3 what becomes of it: 'free', 'note' that the job runs, '' nothing,
--          4 name of the lock of runs, '' for none, 5 class, 6 queue
-- returns  {'go'}, {'replaced'}: by another job, or {'wait', jid}: of the job that runs now
redis.call('HDEL', KEYS[1], '') -- after a first write that changes nothing a full Redis takes the rest
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return {'replaced'} end
if ARGV[4] ~= '' then
  local holder = redis.call('HGET', KEYS[4], 'jid')
  if holder and holder ~= ARGV[1] then return {'wait', holder} end
  local now = redis.call('TIME')[1]
  redis.call('HSET', KEYS[4], 'jid', ARGV[1], 'class', ARGV[5], 'queue', ARGV[6], 'lock', 'while_executing', 'since', now)
  redis.call('HINCRBY', KEYS[4], 'moved', 1)
  redis.call('ZADD', KEYS[2], 'NX', now, ARGV[4])
end
if redis.call('HGET', KEYS[1], 'jid') == ARGV[1] then
  if ARGV[3] == 'free' then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[2])
  elseif ARGV[3] == 'note' then
    redis.call('HSET', KEYS[1], 'running', '1')
    redis.call('HINCRBY', KEYS[1], 'moved', 1)
  end
end
return {'go'}
