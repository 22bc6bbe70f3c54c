-- Read the members of a sorted set that come after one, which may be gone by now.
-- KEYS     1 sorted set
-- ARGV     1 'up' or 'down', 2 how many, 3 how many bytes to look at, 4 how many members to look at,
--          5 text that they must hold ('' for any), 6 0: members are returned; else so many digits of
--          the SHA-1 of "score member" instead, 7 the highest score to look at (going up),
--          8 score of that member, 9 that member; without these two from the end
-- returns  {how many were looked at, the last of them, its score, {member, score, member, score, ...}}
-- Redis orders by score, then by bytes. Its Lua compares text by the server's language, so not so.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local up, digits = ARGV[1] == 'up', tonumber(ARGV[6])
local size, from = redis.call('ZCARD', KEYS[1]), 0
if #ARGV > 7 then
  local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[8])
  local high = low + redis.call('ZCOUNT', KEYS[1], ARGV[8], ARGV[8])
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = redis.call('ZRANGE', KEYS[1], middle, middle)[1]
    if before(member, ARGV[9]) or (up and member == ARGV[9]) then
      low = middle + 1
    else
      high = middle
    end
  end
  from = up and low or size - low
end
if up then size = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[7]) end
local found, looked, bytes, last = {}, 0, 0, {'', ''}
local want, most, text = 2 * tonumber(ARGV[2]), tonumber(ARGV[4]), ARGV[5]
local budget = tonumber(ARGV[3])
while from < size and #found < want and looked < most and bytes < budget do
  -- The first one alone, then what the bytes seen so far allow: a few may be of many megabytes.
  local fit = looked == 0 and 1 or math.floor((budget - bytes) / math.max(1, bytes / looked))
  local to = from + math.max(1, math.min(10, fit, (want - #found) / 2, most - looked)) - 1
  local chunk = redis.call(up and 'ZRANGE' or 'ZREVRANGE', KEYS[1], from, to, 'WITHSCORES')
  for i = 1, #chunk, 2 do
    looked, bytes, last = looked + 1, bytes + #chunk[i], {chunk[i], chunk[i + 1]}
    if text == '' or chunk[i]:find(text, 1, true) then
      local member = chunk[i]
      if digits > 0 then member = redis.sha1hex(chunk[i + 1] .. ' ' .. member):sub(1, digits) end
      found[#found + 1], found[#found + 2] = member, chunk[i + 1]
    end
  end
  from = to + 1
end
return {looked, last[1], last[2], found}
