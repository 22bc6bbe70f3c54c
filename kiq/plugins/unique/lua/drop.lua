-- A lock whose job is nowhere: free it as leave.lua would (which follows), unless it was touched meanwhile.
-- KEYS     those of leave.lua
-- ARGV     those of leave.lua, 8 how often the lock had been touched
-- returns  1 if it is free now, else 0
do
  local key, name = KEYS[1], ARGV[2]
  if ARGV[6] == 'free' then key, name = KEYS[4], ARGV[7] end
  local lock = redis.call('HMGET', key, 'jid', 'moved')
  if not lock[1] then
    redis.call('ZREM', KEYS[2], name) -- its time was over
    return 0
  end
  if lock[1] ~= ARGV[1] or lock[2] ~= ARGV[8] then return 0 end
end
