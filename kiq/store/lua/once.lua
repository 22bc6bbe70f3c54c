-- Do what a push does (the function `act`, above) once for its token, however often it is sent.
-- KEYS     those of the push, then the key of the token
-- ARGV     those of the push
-- returns  what the push returns, or 0 where it had been done before
-- The token goes first: a full Redis refuses it, and then nothing has been pushed. A push that fails
-- gives its token back, so that it can be tried again.
local token = KEYS[#KEYS]
if not redis.call('SET', token, '1', 'NX', 'EX', 3600) then return 0 end
local ended, reply = pcall(act)
if ended and type(reply) == 'number' then return reply end
redis.call('DEL', token)
if type(reply) == 'table' then return reply end
return redis.error_reply(tostring(reply))
