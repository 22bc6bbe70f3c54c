-- Delete members of a sorted set of jobs.
-- KEYS     1 sorted set, 2 dead set, 3 dead reasons, 4 suspects
-- ARGV     members
-- returns  0, then the places (the first is 1) of those that were there
local raws, scores, places = take(KEYS[1], 1, #ARGV)
for i = 1, #raws do keep(scores[i], raws[i], '', '', '') end
forget(KEYS[1], KEYS[2], KEYS[3], KEYS[4], raws)
return {0, unpack(places)}
