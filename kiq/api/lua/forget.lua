-- Shared by the scripts that take entries out of the dead set: forgets what is known of them.

-- Nothing here may fail: the entries are where they belong.
local function forget(source, reasons, suspects, raws)
  if source ~= 'dead' then return end
  for i = 1, #raws do
    local sha = redis.sha1hex(raws[i])
    redis.pcall('HDEL', reasons, sha)
    redis.pcall('HDEL', suspects, sha)
  end
end

-- Take the members in ARGV from *first* on that are there; returns them, and their scores.
local function take(source, first)
  local raws, scores = {}, {}
  for i = first, #ARGV do
    local score = redis.call('ZSCORE', source, ARGV[i])
    if score then
      redis.call('ZREM', source, ARGV[i])
      raws[#raws + 1], scores[#scores + 1] = ARGV[i], score
    end
  end
  return raws, scores
end

local function put_back(source, raws, scores)
  for i = 1, #raws do redis.call('ZADD', source, scores[i], raws[i]) end
end
