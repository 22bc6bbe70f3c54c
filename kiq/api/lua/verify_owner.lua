-- Look at an owner at one moment.
-- KEYS     1 its record, 2 its lapsed record, 3 set of owners, 4... in-flight hashes of it
-- ARGV     1 owner
-- returns  {record is there, lapsed record is there, it is in the set, jobs in those hashes}
local held = 0
for i = 4, #KEYS do
  local size = redis.pcall('HLEN', KEYS[i])
  if type(size) == 'number' then held = held + size end
end
local listed = redis.pcall('SISMEMBER', KEYS[3], ARGV[1])
return {
  redis.call('EXISTS', KEYS[1]), redis.call('EXISTS', KEYS[2]),
  type(listed) == 'number' and listed or 0, held
}
