-- Put payloads into the scheduled set; ring the poller when one becomes the earliest.
-- KEYS     1 sorted set, 2 one that lies elsewhere in a cluster, which refuses then: nobody would promote,
--          3 channel of the poller
-- ARGV     pairs of score and payload
-- returns  number of payloads added
-- A bell that can't be rung is no error: the payloads are there.
local before = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
local added = 0
for first = 1, #ARGV, 4000 do
  added = added + redis.call('ZADD', KEYS[1], unpack(ARGV, first, math.min(first + 3999, #ARGV)))
end
if redis.call('ZRANGE', KEYS[1], 0, 0)[1] ~= before then redis.pcall('PUBLISH', KEYS[3], '1') end
return added
