-- Delete a whole sorted set of jobs.
-- KEYS     1 sorted set, 2 dead set, 3 dead reasons
-- ARGV     none
-- returns  how many members there were
local size = redis.call('ZCARD', KEYS[1])
if keeping and size > most then
  beyond(size)
elseif keeping then
  for first = 0, size - 1, 50 do
    local part = redis.call('ZRANGE', KEYS[1], first, first + 49, 'WITHSCORES')
    for i = 1, #part, 2 do keep(part[i + 1], part[i], '', '', '') end
  end
end
redis.call('UNLINK', KEYS[1])
if KEYS[1] == KEYS[2] then redis.call('UNLINK', KEYS[3]) end
return size
