-- List the worker processes that are there, and take those off the list that are not.
-- KEYS     1 set of identities
-- ARGV     none
-- returns  identities whose hash is there
-- In one step: between a look and a removal elsewhere a process could come back, and be hidden.
local shown = {}
for _, identity in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  -- A key that can't be read is no proof that nobody is there.
  if redis.pcall('HEXISTS', identity, 'info') == 0 then
    redis.call('SREM', KEYS[1], identity)
  else
    shown[#shown + 1] = identity
  end
end
return shown
