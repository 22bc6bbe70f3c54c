-- Drop the record of an owner that holds nothing any more.
-- KEYS     1 lapsed record, 2 set of owners, 3 lease, 4 owner record, then its in-flight hashes
-- ARGV     1 owner
-- returns  1 when it is forgotten, 0 while something of it is left
if redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
for i = 5, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
