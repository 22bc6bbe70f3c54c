-- Become or stay the one that does a duty for all processes.
-- KEYS     1 election key, 2 owner record of the candidate (only for the no-op write), 3 who is next
-- ARGV     1 candidate, 2 term in ms, 3 the longest term, in ms, that anybody has, 4 ms for which who
--          was not elected is remembered
-- returns  {1 when elected else 0, who had it before or '', who would take it or ''}
redis.call('HDEL', KEYS[2], '')
-- A key that holds no string elects nobody: it is written over. So is one with a TTL that no term can have:
-- Redis's clock went back, or a dump was restored, and its holder may be long dead.
local holder, waits = redis.pcall('GET', KEYS[1]), redis.pcall('GET', KEYS[3])
if type(holder) ~= 'string' then holder = '' end
if type(waits) ~= 'string' then waits = '' end
if holder ~= '' and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left <= tonumber(ARGV[3]) then
    redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4])
    return {0, holder, ARGV[1]}
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, holder, waits}
