-- Shared by the scripts that take jobs: which of them are suspects.

-- Return index, level, ... of those of the payloads that are suspects by the hash at `key`.
local function suspicions(key, payloads)
  local found = {}
  local suspects = #payloads > 0 and redis.pcall('HLEN', key)
  if type(suspects) ~= 'number' or suspects == 0 then return found end
  local now = tonumber(redis.call('TIME')[1])
  for i = 1, #payloads do
    local known = redis.call('HGET', key, redis.sha1hex(payloads[i]))
    if known then
      local level, expiry = known:match('^(%d+):(%d+)')
      if level and tonumber(expiry) > now then
        found[#found + 1] = i; found[#found + 1] = tonumber(level)
      end
    end
  end
  return found
end
