-- Mark a deploy, once for each label and minute, however many processes say so.
-- KEYS     1 lock of this label, 2 hash of the marks of the day
-- ARGV     1 label, 2 minute (ISO 8601), 3 seconds that the lock lasts, 4 TTL of the marks
-- returns  1; 0 when this label was marked just now, or the minute has a mark
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'EX', ARGV[3]) then return 0 end
local marked = redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return marked
