-- What is left for one worker, at one moment: a job is always in exactly one of these places.
--
-- KEYS[1]      the set of names of paused queues
-- KEYS[2]      the set of owners
-- KEYS[3], [4] the scheduled and the retry set
-- KEYS[5..]    the lists of the worker's queues and their bands, then the hashes of what it has in flight
-- ARGV[1]      how many lists there are
-- ARGV[2]      seconds from now within which due jobs count
-- ARGV[3..]    the name of the queue of each list
--
-- Returns {in flight, due soon, due later, jobs in paused queues, jobs in others, owners...}.
local lists = tonumber(ARGV[1])
local now = redis.call('TIME')
local until_ = string.format('%.6f', now[1] + now[2] / 1e6 + ARGV[2])
local held, due, later, paused, waiting = 0, 0, 0, 0, 0
for at = 3, 4 do
  local soon = redis.call('ZCOUNT', KEYS[at], '-inf', until_)
  due = due + soon
  later = later + redis.call('ZCARD', KEYS[at]) - soon
end
for at = 1, lists do
  local size = redis.call('LLEN', KEYS[4 + at])
  if redis.call('SISMEMBER', KEYS[1], ARGV[2 + at]) == 1 then
    paused = paused + size
  else
    waiting = waiting + size
  end
end
for at = 5 + lists, #KEYS do
  held = held + redis.call('HLEN', KEYS[at])
end
local reply = {held, due, later, paused, waiting}
for _, owner in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  reply[#reply + 1] = owner
end
return reply
