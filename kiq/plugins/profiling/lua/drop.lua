-- Drop profiles.
-- KEYS     1 sorted set of profiles, 2... their hashes
-- ARGV     their names
-- returns  1
-- What is no profile stays, at whatever place it stands.
for i = 2, #KEYS do
  redis.call('ZREM', KEYS[1], ARGV[i - 1])
  if redis.call('TYPE', KEYS[i]).ok == 'hash' and redis.call('HEXISTS', KEYS[i], 'token') == 1 then
    redis.call('DEL', KEYS[i])
  end
end
return 1
