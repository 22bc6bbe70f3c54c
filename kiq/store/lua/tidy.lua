-- Drop what is too old from a page of the suspects, or of the markers: neither hash has a TTL, as a full
-- Redis might evict it, and jobs that kill their process would never be convicted.
-- KEYS     1 the hash
-- ARGV     1 cursor, 2 pattern of the second that stands in a value, 3 for how many seconds more it counts
-- returns  next cursor ('0': all was looked at)
local page = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', 1000)
if page.err then return '0' end -- a key of another type: whoever writes there copes with it
local oldest = redis.call('TIME')[1] - ARGV[3]
for i = 1, #page[2], 2 do
  local second = tonumber(page[2][i + 1]:match(ARGV[2]) or '')
  if not second or second < oldest then redis.call('HDEL', KEYS[1], page[2][i]) end
end
return page[1]
