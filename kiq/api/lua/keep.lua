-- Shared by the scripts by which people take jobs away: what an act of theirs takes is kept for a while, with
-- where it was, so that it can be undone. In the same step, so that a crash leaves both or neither.
-- The last of KEYS  what is kept, as a list; about it, as a hash
-- the last of ARGV  seconds, how many jobs and bytes are kept at most, source, target ('': none)
local keeping = true
local kept, about = KEYS[#KEYS - 1], KEYS[#KEYS]
local own = #ARGV - 5
local ttl, most, most_bytes = ARGV[own + 1], tonumber(ARGV[own + 2]), tonumber(ARGV[own + 3])
local from, to = ARGV[own + 4], ARGV[own + 5]
local ARGV = {unpack(ARGV, 1, own)} -- scripts read theirs to the end
local taken = redis.call('HMGET', about, 'jobs', 'bytes')
local jobs, bytes = tonumber(taken[1] or nil) or 0, tonumber(taken[2] or nil) or 0

-- So many more jobs than can be kept were taken.
local function beyond(count)
  redis.pcall('HINCRBY', about, 'beyond', count)
  redis.pcall('EXPIRE', about, ttl)
end

-- Keep *raw*, which had the *score*; it stands in the target as *job* now. In a list it was between *older*,
-- which is next before it, and *newer*. Nothing here may fail: what was taken is taken.
local function keep(score, raw, job, older, newer, source)
  local size = #raw + #job + #older + #newer + 60
  if jobs >= most or bytes + size > most_bytes then return beyond(1) end
  local put = redis.pcall('RPUSH', kept, source or from, score, raw, to, job, older, newer)
  if type(put) == 'table' then return beyond(1) end
  jobs, bytes = jobs + 1, bytes + size
  redis.pcall('EXPIRE', kept, ttl)
  redis.pcall('HSET', about, 'jobs', jobs, 'bytes', bytes)
  redis.pcall('EXPIRE', about, ttl)
end
