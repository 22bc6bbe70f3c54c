-- Read the next page of a queue from its oldest job, though jobs came and went since the last page.
-- KEYS     1 queue list
-- ARGV     1 how many places from the tail are behind us, 2 how many jobs, 3 how many bytes,
--          4... jobs of the last page, the newest first
-- returns  {places from the tail that are behind us before this page, jobs}
-- A place moves when a job nearer to the tail goes or comes. So the last job that was seen and still
-- is there says where we are. None is: begin anew, rather than miss one.
local behind = tonumber(ARGV[1])
if #ARGV > 3 and redis.call('LINDEX', KEYS[1], -behind) ~= ARGV[4] then
  -- A hand-back may have put jobs in front of it: a bit farther than where it was.
  local length, reach, found = redis.call('LLEN', KEYS[1]), behind + 10000, 0
  for i = 4, #ARGV do
    local at = redis.call('LPOS', KEYS[1], ARGV[i], 'RANK', -1, 'MAXLEN', reach)
    if at then
      found = length - at
      break
    end
  end
  behind = found
end
local raws, bytes, want, budget = {}, 0, tonumber(ARGV[2]), tonumber(ARGV[3])
while #raws < want and bytes < budget do
  -- The first one alone, then what the bytes seen so far allow: a few may be of many megabytes.
  local fit = #raws == 0 and 1 or math.floor((budget - bytes) / math.max(1, bytes / #raws))
  local step = math.max(1, math.min(10, fit, want - #raws))
  local last = behind + #raws
  local chunk = redis.call('LRANGE', KEYS[1], -(last + step), -(last + 1))
  for i = #chunk, 1, -1 do
    raws[#raws + 1] = chunk[i]
    bytes = bytes + #chunk[i]
  end
  if #chunk < step then break end
end
return {behind, raws}
