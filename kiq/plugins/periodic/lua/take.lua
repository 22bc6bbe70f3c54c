-- The tick is taken: its job is pushed in the same step. The keys and arguments are those of check.lua.
local now = note(KEYS[5], KEYS[6], ARGV[8], ARGV[2], 'run', ARGV[5])
if ARGV[4] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1]) end
redis.call('HDEL', KEYS[7], ARGV[1])
local last = (redis.call('HGET', KEYS[4], ARGV[1]) or ''):match('^%S+')
redis.call('HSET', KEYS[4], ARGV[1], ARGV[5] .. ' ' .. now .. ' ' .. ARGV[6])
if last and ARGV[7] == 'cancel' then
  redis.call('ZADD', KEYS[8], now + ARGV[9], last)
  redis.pcall('PUBLISH', KEYS[9], '1')
end
