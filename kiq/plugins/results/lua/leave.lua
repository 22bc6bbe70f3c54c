-- A job whose result is wanted was settled: a rider's piece.
-- KEYS     1 its result, 2 its progress, 3 jobs that have ended, 4 channel, 5 dead set
-- ARGV     1 'end', or 'later': it runs again, 2 what it came to, 3 milliseconds for which that is kept, 4 jid,
--          5 its bytes in the dead set, '' if it is not there, 6 seconds that an end is remembered, 7 how many
if ARGV[1] == 'later' then
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
  return
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
-- When it died is how it is found in the dead set again: for whoever looks whether it is still there.
local died = ARGV[5] ~= '' and redis.pcall('ZSCORE', KEYS[5], ARGV[5])
if type(died) ~= 'string' then died = '' end
redis.call('SET', KEYS[1], string.format('%.6f|%s|', now, died) .. ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
redis.pcall('ZADD', KEYS[3], string.format('%.3f', now + ARGV[3] / 1000), ARGV[4])
if time[2] % 50 == 0 then -- by chance, of some fifty once: the bounds need not be kept to the last one
  redis.pcall('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[6])
  redis.pcall('ZREMRANGEBYRANK', KEYS[3], 0, -(ARGV[7] + 1))
end
redis.pcall('PUBLISH', KEYS[4], ARGV[4])
