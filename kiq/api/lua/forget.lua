-- Shared by the scripts that take entries out of the dead set: forgets what is known of them.

-- Nothing here may fail: the entries are where they belong.
local function forget(source, dead, reasons, suspects, raws)
  if source ~= dead then return end
  for i = 1, #raws do
    local sha = redis.sha1hex(raws[i])
    redis.pcall('HDEL', reasons, sha)
    redis.pcall('HDEL', suspects, sha)
  end
end

-- Take the members in ARGV from *first* to *last* that are there; returns them, their scores, and
-- their places (the first is 1).
local function take(source, first, last)
  local raws, scores, places = {}, {}, {}
  for i = first, last do
    local score = redis.call('ZSCORE', source, ARGV[i])
    if score then
      redis.call('ZREM', source, ARGV[i])
      raws[#raws + 1], scores[#scores + 1], places[#places + 1] = ARGV[i], score, i - first + 1
    end
  end
  return raws, scores, places
end

-- The states of members come behind KEYS[*last*]: none is cancelled any more, as somebody wants it to run.
local function uncancel(last, places)
  for i = 1, #places do
    local state = KEYS[last + places[i]]
    if state then redis.pcall('HDEL', state, 'cancelled') end
  end
end

local function put_back(source, raws, scores)
  for i = 1, #raws do redis.call('ZADD', source, scores[i], raws[i]) end
end
