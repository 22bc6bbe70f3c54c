-- Do what a push does (the function `act`, above) once for its token, however often it is sent.
-- KEYS     those of the push, then the sorted set of tokens: score = when it was used, seconds
-- ARGV     those of the push, then the token
-- returns  what the push returns, or 0 where it had been done before
-- The token goes first: a full Redis refuses it, and then nothing has been pushed. A push that fails
-- gives its token back, so that it can be tried again. Tokens have no TTL, as a Redis that evicts what has
-- one would push a second time: those of an hour ago go, some more than come.
local token, tokens, now = table.remove(ARGV), KEYS[#KEYS], redis.call('TIME')[1]
if redis.call('ZADD', tokens, 'NX', now, token) == 0 then return 0 end
local old = redis.call('ZRANGEBYSCORE', tokens, '-inf', now - 3600, 'LIMIT', 0, 10)
if #old > 0 then redis.call('ZREM', tokens, unpack(old)) end
local ended, reply = pcall(act)
if ended and type(reply) == 'number' then return reply end
redis.call('ZREM', tokens, token)
if type(reply) == 'table' then return reply end
return redis.error_reply(tostring(reply))
