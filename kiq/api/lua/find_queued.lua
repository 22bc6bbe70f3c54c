-- Look for a text in a slice of a queue, from the newest job on.
-- KEYS     1 queue list
-- ARGV     1 place of the first job to look at, counted from the newest, 2 how many jobs, 3 how many bytes,
--          4 text that a job must hold
-- returns  {place of the first job that was not looked at, how many jobs there are, {place, job, place, job, ...}}
-- Places count from the end where jobs come in: those that go at the other end move none, those that come
-- move all of them on, so that some are met twice and none that stays is missed.
local size, at = redis.call('LLEN', KEYS[1]), tonumber(ARGV[1])
local last, bytes, looked = at + tonumber(ARGV[2]), 0, 0
local found = {}
while at < last and at < size and bytes < tonumber(ARGV[3]) do
  -- The first one alone, then what the bytes seen so far allow: a few may be of many megabytes.
  local fit = looked == 0 and 1 or math.floor((tonumber(ARGV[3]) - bytes) / math.max(1, bytes / looked))
  local chunk = redis.call('LRANGE', KEYS[1], at, at + math.max(1, math.min(100, fit, last - at)) - 1)
  for i = 1, #chunk do
    bytes, looked = bytes + #chunk[i], looked + 1
    if chunk[i]:find(ARGV[4], 1, true) then
      found[#found + 1] = at + i - 1
      found[#found + 1] = chunk[i]
    end
  end
  at = at + #chunk
  if #chunk == 0 then break end
end
return {at, size, found}
