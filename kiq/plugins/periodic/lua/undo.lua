-- The push was taken back: so is the tick. The keys and arguments are those of check.lua.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if (redis.call('HGET', KEYS[4], ARGV[1]) or ''):match('^%S+') == ARGV[5] then redis.call('HDEL', KEYS[4], ARGV[1]) end
local told = redis.call('LINDEX', KEYS[5], 0) or ''
if told:match('^%S+ %S+ %S+ (%S+)') == ARGV[5] then redis.call('LPOP', KEYS[5]) end
