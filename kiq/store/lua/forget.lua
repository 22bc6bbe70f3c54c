-- Drop the record of an owner that holds nothing any more.
-- KEYS     1 lapsed record, 2 set of owners, 3 owner record, then its in-flight hashes
-- ARGV     1 owner
-- returns  1 when it is forgotten, 0 while something of it is left
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
for i = 4, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
