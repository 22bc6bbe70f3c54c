-- The lock is that of a job whose push is taken back. KEYS and ARGV of check.lua.
if redis.call('HGET', KEYS[1], 'jid') == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[2])
end
