-- Put payloads into one queue, the first nearest to the tail.
-- KEYS     1 queue list, 2 set of queues, 3 idle owners of the queue
-- ARGV     1 queue name, 2... payloads
-- returns  number of payloads pushed
-- SADD goes first: if `queues` is broken, nothing has been pushed yet. If the list is broken, a name
-- that was new is taken out again: the tools take each member of `queues` for a list.
local new = redis.call('SADD', KEYS[2], ARGV[1])
local last = #ARGV
for first = 2, last, 4000 do
  local reply = redis.pcall('LPUSH', KEYS[1], unpack(ARGV, first, math.min(first + 3999, last)))
  if type(reply) == 'table' then
    if new == 1 then redis.call('SREM', KEYS[2], ARGV[1]) end
    return reply
  end
end
ring(KEYS[3], last - 1)
return last - 1
