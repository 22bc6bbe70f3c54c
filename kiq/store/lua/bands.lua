-- Tell which of some bands have ever got a job, and note in an owner's record that it may hold jobs of those.
-- KEYS     1 owner record, 2 set of queues, in which bands have a name as well
-- ARGV     names of bands
-- returns  for each 1 if it is there, else 0; nothing if that can't be told, or there is no such record
redis.call('HDEL', KEYS[1], '')
local sources, flags = redis.call('HGET', KEYS[1], 'sources'), redis.pcall('SMISMEMBER', KEYS[2], unpack(ARGV))
if not sources or flags.err then return {} end
local before = sources
for i = 1, #ARGV do
  local source = 'queue:' .. ARGV[i] -- as it stands in a record, whatever the namespace
  if flags[i] == 1 and not ('\n' .. sources .. '\n'):find('\n' .. source .. '\n', 1, true) then
    sources = sources .. '\n' .. source
  end
end
if sources ~= before then redis.call('HSET', KEYS[1], 'sources', sources) end
return flags
