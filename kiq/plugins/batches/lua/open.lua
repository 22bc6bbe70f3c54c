-- Begin a batch: it has a record, and no jobs yet.
-- KEYS     those of shared.lua
-- ARGV     1 id, 2 jid of the job that does it, '' for none, 3... fields of the record, and their values
-- returns  1, or text: why not ('there': it has been done)
local record, jobs, others = at(1)
if redis.call('EXISTS', record) == 1 then return 'there' end
if levels > 1 then
  local why = closed(2, ARGV[2])
  if why then return why end
end
local now = clock()
redis.call('HSET', record, 'state', 'open', 'created_at', now, 'touched_at', now, unpack(ARGV, 3))
redis.call('DEL', jobs, others)
redis.call('ZADD', KEYS[5], now, bids[1])
redis.call('SADD', KEYS[3], bids[1])
if levels > 1 then
  local parent, parent_jobs, parent_others = at(2)
  redis.call('SCARD', parent_jobs)
  redis.call('ZADD', parent_others, 0, bids[1])
  redis.call('HINCRBY', parent, 'batches', 1)
  revive(2)
end
local over = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then
  redis.call('ZREM', KEYS[5], unpack(over))
  redis.call('ZREM', KEYS[4], unpack(over))
end
return 1
