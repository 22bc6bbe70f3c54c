-- What an attempt of a job has logged: a rider's piece.
-- KEYS     1 text of the last attempt that logged something
-- ARGV     1 text, '' for none, 2 seconds to live
if ARGV[1] ~= '' then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
else
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
