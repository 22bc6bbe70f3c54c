-- Write into an owner's record that it holds jobs of a source.
-- KEYS     1 its record, 2 its in-flight hash of that source
-- ARGV     1 source
-- returns  1 when that was done, 0 when there is no such record or no such job any more
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local known = redis.call('HGET', KEYS[1], 'sources')
redis.call('HSET', KEYS[1], 'sources', known and known ~= '' and known .. '\n' .. ARGV[1] or ARGV[1])
return 1
