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
local raws, bytes, want = {}, 0, tonumber(ARGV[2])
while #raws < want and bytes < tonumber(ARGV[3]) do
  local last = behind + #raws
  local chunk = redis.call('LRANGE', KEYS[1], -(last + math.min(10, want - #raws)), -(last + 1))
  for i = #chunk, 1, -1 do
    raws[#raws + 1] = chunk[i]
    bytes = bytes + #chunk[i]
  end
  if #chunk < 10 then break end
end
return {behind, raws}
