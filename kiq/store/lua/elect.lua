-- Become or stay the one that does a duty for all processes.
-- KEYS     1 election key, 2 owner record of the candidate (only for the no-op write)
-- ARGV     1 candidate, 2 term in ms
-- returns  1 when elected, else 0
redis.call('HDEL', KEYS[2], '')
-- A key that holds no string elects nobody: it is written over.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
