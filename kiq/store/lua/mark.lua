-- Note that suspects are about to run: what a crash finds marked did not merely wait.
-- KEYS     1 markers, then for each suspect the in-flight hash that it is in
-- ARGV     1 owner, then for each suspect: delivery id, sha1 of its payload
-- returns  how many were marked: one that is not in flight any more is another's to mark
-- A marker is "owner delivery time": for how long it ran says how much a crash tells of it.
redis.call('HDEL', KEYS[1], '')
local marked, now = 0, redis.call('TIME')[1]
for i = 2, #KEYS do
  local id, sha = ARGV[2 * i - 2], ARGV[2 * i - 1]
  if redis.pcall('HEXISTS', KEYS[i], id) == 1 then
    redis.call('HSET', KEYS[1], sha, ARGV[1] .. ' ' .. id .. ' ' .. now)
    marked = marked + 1
  end
end
return marked
