-- Decide that a tick has no job, and go on to another one.
-- KEYS     1 due, 2 entries, 3 history, 4 outcomes, 5 waiting
-- ARGV     1 name, 2 tick that is next, 3 definition, 4 tick that is to be next, or '', 5 how many lines are kept,
--          6 what to say in the history, or '', 7 more about it, 8 '1': it waits on for its turn
-- returns  1, or 0 where it was decided already
redis.call('HDEL', KEYS[2], '')
local cursor = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not cursor or tonumber(cursor) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 0 end
if ARGV[4] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1]) end
if ARGV[8] == '' then redis.call('HDEL', KEYS[5], ARGV[1]) end
if ARGV[6] ~= '' then note(KEYS[3], KEYS[4], ARGV[5], ARGV[2], ARGV[6], ARGV[7]) end
return 1
