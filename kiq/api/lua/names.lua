-- List the names of every queue that was pushed to, or is paused.
-- KEYS     1 set of queues, 2 names of paused queues
-- ARGV     none
-- returns  names
-- A set of paused queues that is none pauses nothing: the queues are of use all the same.
local both = redis.pcall('SUNION', KEYS[1], KEYS[2])
return both.err and redis.call('SMEMBERS', KEYS[1]) or both
