-- Mark a job as cancelled, and tell the workers.
-- KEYS     1 marks, 2 the job's state if it is an iterable one, 3 channel
-- ARGV     1 jid, 2 seconds that a mark counts, 3 how many marks are kept
-- returns  how many workers were listening
-- Its end is a score, and no TTL: a full Redis might evict what has one, and cancelled jobs would run.
-- To the fraction of a second: a job that is run again by hand is exempt from marks before that.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(tonumber(ARGV[3]) + 1))
-- As Sidekiq does, but without making a state that was not there.
if redis.call('EXISTS', KEYS[2]) == 1 then redis.pcall('HSETNX', KEYS[2], 'cancelled', time[1]) end
-- What is written counts: who may not publish, or can't, is no failure. Workers look now and then.
local heard = redis.pcall('PUBLISH', KEYS[3], '1')
return type(heard) == 'number' and heard or 0
