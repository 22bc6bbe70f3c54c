-- Declare an owner dead: from here on it is fenced, and its jobs may be given back.
-- KEYS     1 owner record, 2 lapsed record, 3 lease
-- ARGV     1 '1' when its death is proven, so that the lease does not matter
-- returns  {'alive'}, or {'lapsed', fields and values of its record...} ({'lapsed'} alone:
--          no record, or one that is no hash)
if ARGV[1] ~= '1' and redis.call('EXISTS', KEYS[3]) == 1 then return {'alive'} end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('DEL', KEYS[3])
local fields = redis.pcall('HGETALL', KEYS[2])
if fields.err then return {'lapsed'} end
table.insert(fields, 1, 'lapsed')
return fields
