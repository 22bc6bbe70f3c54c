-- Find the member of a sorted set that a digest names, among those of one score.
-- KEYS     1 sorted set
-- ARGV     1 score, 2 the first digits of the member's SHA-1
-- returns  the member, or nil
local from = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[1])
local left, digits = redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1]), #ARGV[2]
while left > 0 do
  local chunk = redis.call('ZRANGE', KEYS[1], from, from + math.min(left, 10) - 1)
  for _, member in ipairs(chunk) do
    if redis.sha1hex(member):sub(1, digits) == ARGV[2] then return member end
  end
  from, left = from + 10, left - 10
end
return nil
