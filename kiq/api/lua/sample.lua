-- Some members of a sorted set, whichever: each is as likely as any other. All, where there are not more.
-- KEYS     1 sorted set
-- ARGV     1 how many, 2 how many bytes of members to return
-- returns  {how many there are in the set, {member, score, member, score, ...}}
local size, most, bytes = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[1]), tonumber(ARGV[2])
local found, left, count = {}, bytes, math.min(most, size)
local looked = 0
while looked < count and left > 0 do
  -- The first one alone, then what the bytes seen so far allow: a few may be of many megabytes.
  local fit = looked == 0 and 1 or math.floor(left / math.max(1, (bytes - left) / looked))
  local some, chunk = math.max(1, math.min(20, fit, count - looked)), nil
  if size <= most then
    chunk = redis.call('ZRANGE', KEYS[1], looked, looked + some - 1, 'WITHSCORES')
  else
    chunk = redis.call('ZRANDMEMBER', KEYS[1], some, 'WITHSCORES')
  end
  for i = 1, #chunk, 2 do
    looked, left = looked + 1, left - #chunk[i]
    found[#found + 1], found[#found + 2] = chunk[i], chunk[i + 1]
  end
end
return {size, found}
