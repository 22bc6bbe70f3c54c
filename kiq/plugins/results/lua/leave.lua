-- A job whose result is wanted was settled: a rider's piece.
-- KEYS     1 its progress; of one that has ended, too: 2 its result, 3 jobs that have ended, 4 channel,
--          5 the dead set, of one that is there
-- ARGV     1 what it came to, 2 milliseconds for which that is kept; of one that has ended, too: 3 jid,
--          4 its bytes in the dead set, of one that is there
-- REMEMBERED (seconds that an end is known after that) and MOST (how many) stand above
if #KEYS == 1 then -- it runs again
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
-- When it died is how it is found in the dead set again: for whoever looks whether it is still there.
local died = KEYS[5] and redis.pcall('ZSCORE', KEYS[5], ARGV[4])
if type(died) ~= 'string' then died = '' end
redis.call('SET', KEYS[2], string.format('%.6f|%s|', now, died) .. ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[1])
redis.pcall('ZADD', KEYS[3], string.format('%.3f', now + ARGV[2] / 1000), ARGV[3])
if time[2] % 50 == 0 then -- by chance, of some fifty once: the bounds need not be kept to the last one
  redis.pcall('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - REMEMBERED)
  redis.pcall('ZREMRANGEBYRANK', KEYS[3], 0, -(MOST + 1))
end
redis.pcall('PUBLISH', KEYS[4], ARGV[3])
