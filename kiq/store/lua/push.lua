-- Put payloads into one queue, the first nearest to the tail.
-- KEYS     1 queue list, 2 set of queues, 3 idle owners of the queue
-- ARGV     1 queue name, 2... payloads
-- returns  number of payloads pushed
-- SADD goes first: if `queues` is broken, nothing has been pushed yet.
redis.call('SADD', KEYS[2], ARGV[1])
local last = #ARGV
for first = 2, last, 4000 do
  redis.call('LPUSH', KEYS[1], unpack(ARGV, first, math.min(first + 3999, last)))
end
ring(KEYS[3], last - 1)
return last - 1
