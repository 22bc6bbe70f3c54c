-- A job that somebody has pushed by hand is in the history of its entry, if that is still there.
-- KEYS     1 entries, 2 history, 3 outcomes
-- ARGV     1 name, 2 jid, 3 how many lines are kept
redis.call('HDEL', KEYS[1], '')
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
note(KEYS[2], KEYS[3], ARGV[3], redis.call('TIME')[1], 'by_hand', ARGV[2])
return 1
