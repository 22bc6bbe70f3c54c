-- Whether a tick may be taken: it is the next one, of this definition, and nothing stands in its way.
-- KEYS     1 due, 2 entries, 3 paused, 4 latest, 5 history, 6 outcomes, 7 waiting, 8 cancelled jobs, 9 channel of
--          those that cancel
-- ARGV     1 name, 2 tick, 3 definition, 4 next tick or '', 5 jid, 6 queue, 7 what if the last run is not over,
--          8 how many are kept, 9 seconds that the mark of a cancelled job counts
-- returns  nothing, or why not
local cursor = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not cursor or tonumber(cursor) ~= tonumber(ARGV[2]) then return 'decided' end
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 'changed' end
if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 'paused' end
local latest = redis.call('HGET', KEYS[4], ARGV[1])
-- What take writes is of the right type.
redis.call('LLEN', KEYS[5]); redis.call('HLEN', KEYS[6]); redis.call('HLEN', KEYS[7]); redis.call('ZCARD', KEYS[8])
if latest and (ARGV[7] == 'skip' or ARGV[7] == 'queue') then return 'runs ' .. latest end
