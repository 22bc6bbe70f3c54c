-- Give up a duty, so that another process takes it at once.
-- KEYS     1 election key
-- ARGV     1 holder
-- returns  1 when it was held by ARGV[1], else 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
