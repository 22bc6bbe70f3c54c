-- Ask whether jobs may be added to a batch.
-- KEYS     those of shared.lua, then the tokens of pushes that may be sent again
-- ARGV     1 id, 2 jid of the job that does it, '' for none, 3 token of what is added
-- returns  1, or text: why not ('there': it has been done)
local record, jobs, others = at(1)
local tokens, now = KEYS[#KEYS], clock()
if redis.call('ZSCORE', tokens, ARGV[3]) then return 'there' end
local why = closed(1, ARGV[2])
if why then return why end
redis.call('HSET', record, 'touched_at', now)
redis.call('SCARD', jobs)
redis.call('ZCARD', others)
redis.call('ZADD', tokens, math.floor(tonumber(now)), ARGV[3])
return 1
