-- Move members of a sorted set, with the very bytes, to one queue; the first runs first.
-- KEYS     1 sorted set, 2 dead reasons, 3 suspects, 4 queue list, 5 set of queues, 6 idle owners
-- ARGV     1 queue name, 2... members (a hundred at most)
-- returns  how many were there and moved; an error when the queue refused: then all are where they were
local raws, scores = take(KEYS[1], 2)
if #raws == 0 then return 0 end
local wrote = redis.pcall('LPUSH', KEYS[4], unpack(raws))
if type(wrote) == 'table' then
  put_back(KEYS[1], raws, scores)
  return wrote
end
redis.pcall('SADD', KEYS[5], ARGV[1])
forget(KEYS[1], KEYS[2], KEYS[3], raws)
ring(KEYS[6], #raws)
return #raws
