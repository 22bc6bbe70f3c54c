-- Look once more what a batch has come to, as something may have kept its events from being told.
-- KEYS     those of shared.lua
-- ARGV     1 id
-- returns  its state, or nil: there is none
redis.call('HDEL', (at(1)), '')
judge(1, clock())
return redis.call('HGET', (at(1)), 'state')
