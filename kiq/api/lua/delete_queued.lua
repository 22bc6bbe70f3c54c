-- Take jobs out of a queue; each is looked for from the oldest on.
-- KEYS     1 queue list, 2 set of queues
-- ARGV     1 queue name, or '' to leave it in the set of queues though the queue is empty, 2... jobs
-- returns  0, then the places (the first is 1) of those that were there
local result = {0}
for i = 2, #ARGV do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then result[#result + 1] = i - 1 end
end
if ARGV[1] ~= '' and redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
return result
