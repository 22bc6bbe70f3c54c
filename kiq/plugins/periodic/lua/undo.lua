-- The push was taken back: so is the tick.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if (redis.call('HGET', KEYS[4], ARGV[1]) or ''):match('^%S+') == ARGV[5] then redis.call('HDEL', KEYS[4], ARGV[1]) end
