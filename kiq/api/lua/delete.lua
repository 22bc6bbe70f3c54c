-- Delete members of a sorted set of jobs.
-- KEYS     1 sorted set, 2 dead reasons, 3 suspects
-- ARGV     members
-- returns  how many were there
local raws = take(KEYS[1], 1, #ARGV)
forget(KEYS[1], KEYS[2], KEYS[3], raws)
return #raws
