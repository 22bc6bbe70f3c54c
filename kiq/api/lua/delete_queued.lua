-- Take jobs out of a queue; each is looked for from the oldest on.
-- KEYS     1 queue list, 2 set of queues
-- ARGV     1 queue name, or '' to leave it in the set of queues though the queue is empty, 2... jobs
-- returns  0, then the places (the first is 1) of those that were there
local result = {0}
-- Between which others a job is; when the queue is cleared, all before it have gone already.
local function neighbours(job)
  local at = keeping and ARGV[1] == '' and redis.call('LPOS', KEYS[1], job, 'RANK', -1)
  if not at then return '', '' end
  return redis.call('LINDEX', KEYS[1], at + 1) or '', at > 0 and redis.call('LINDEX', KEYS[1], at - 1) or ''
end
for i = 2, #ARGV do
  local older, newer = neighbours(ARGV[i])
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
    result[#result + 1] = i - 1
    keep('', ARGV[i], '', older, newer)
  end
end
if ARGV[1] ~= '' and redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
return result
