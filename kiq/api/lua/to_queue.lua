-- Move members of a sorted set to one queue; the first runs first.
-- KEYS     1 sorted set, 2 dead set, 3 dead reasons, 4 suspects, 5 queue list, 6 set of queues,
--          7 idle owners, then for each member its state as an iterable job
-- ARGV     1 queue name, 2 how many members (a hundred at most), 3... members, then what goes to the
--          queue for each; without these, the very bytes
-- returns  how many were there and moved; an error when the queue refused: then all are where they were
local count = tonumber(ARGV[2])
local raws, scores, places = take(KEYS[1], 3, 2 + count)
if #raws == 0 then return 0 end
local jobs = raws
if #ARGV > 2 + count then
  jobs = {}
  for i = 1, #places do jobs[i] = ARGV[2 + count + places[i]] end
end
local wrote = redis.pcall('LPUSH', KEYS[5], unpack(jobs))
if type(wrote) == 'table' then
  put_back(KEYS[1], raws, scores)
  return wrote
end
redis.pcall('SADD', KEYS[6], ARGV[1])
forget(KEYS[1], KEYS[2], KEYS[3], KEYS[4], raws)
uncancel(7, places)
for i = 1, #raws do keep(scores[i], raws[i], jobs[i] ~= raws[i] and jobs[i] or '', '', '') end
ring(KEYS[7], #raws)
return #raws
