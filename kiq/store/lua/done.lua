-- Settle jobs that are done: forget them, and count them.
-- KEYS     1 stat:processed, 2 the same of the day, then in-flight hashes
-- ARGV     1 TTL of a day's counter, then for each hash how many ids, then all ids in that order
-- returns  how many were in flight, then a text for each hash that refused: index, text, ...; an error
--          when nothing can be written now
local hashes = #KEYS - 2
local at, settled, result = 2 + hashes, 0, {0}
for i = 1, hashes do
  local after = at + tonumber(ARGV[1 + i])
  for first = at, after - 1, 4000 do
    local gone = redis.pcall('HDEL', KEYS[i + 2], unpack(ARGV, first, math.min(first + 3999, after - 1)))
    if type(gone) == 'number' then
      settled = settled + gone
    elseif settled == 0 and not gone.err:find('WRONGTYPE', 1, true) then
      return gone -- nothing can be written now, to a replica for example, whatever the hash
    else
      result[#result + 1] = i; result[#result + 1] = gone.err
      break
    end
  end
  at = after
end
if settled > 0 then
  redis.pcall('INCRBY', KEYS[1], settled)
  redis.pcall('INCRBY', KEYS[2], settled)
  redis.pcall('EXPIRE', KEYS[2], ARGV[1])
end
result[1] = settled
return result
