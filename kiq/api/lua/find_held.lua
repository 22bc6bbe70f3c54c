-- Look for a text in what an owner holds of one source.
-- KEYS     1 in-flight hash
-- ARGV     1 text that a job must hold
-- returns  {delivery, job, delivery, job, ...}
-- What a fetch takes has its limits, so a hash is small enough to be read as a whole.
local pairs_, found = redis.call('HGETALL', KEYS[1]), {}
for i = 2, #pairs_, 2 do
  if pairs_[i]:find(ARGV[1], 1, true) then
    found[#found + 1] = pairs_[i - 1]
    found[#found + 1] = pairs_[i]
  end
end
return found
