-- Read the members of a sorted set that come after one, which may be gone by now.
-- KEYS     1 sorted set
-- ARGV     1 'up' or 'down', 2 how many, 3 how many bytes, 4 score of that member, 5 that member;
--          without these two from the end
-- returns  member, score, member, score, ...
-- Redis orders by score, then by bytes. Its Lua compares text by the server's language, so not so.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local up = ARGV[1] == 'up'
local size, from = redis.call('ZCARD', KEYS[1]), 0
if #ARGV > 3 then
  local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[4])
  local high = low + redis.call('ZCOUNT', KEYS[1], ARGV[4], ARGV[4])
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = redis.call('ZRANGE', KEYS[1], middle, middle)[1]
    if before(member, ARGV[5]) or (up and member == ARGV[5]) then
      low = middle + 1
    else
      high = middle
    end
  end
  from = up and low or size - low
end
local found, bytes, want = {}, 0, 2 * tonumber(ARGV[2])
while from < size and #found < want and bytes < tonumber(ARGV[3]) do
  local to = from + math.min(10, (want - #found) / 2) - 1
  local chunk = redis.call(up and 'ZRANGE' or 'ZREVRANGE', KEYS[1], from, to, 'WITHSCORES')
  for i = 1, #chunk do
    found[#found + 1] = chunk[i]
    bytes = bytes + #chunk[i]
  end
  from = to + 1
end
return found
