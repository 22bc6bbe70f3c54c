-- Declare an owner dead: from here on it is fenced, and its jobs may be given back.
-- KEYS     1 owner record, 2 lapsed record
-- ARGV     1 '1' when its death is proven, whatever its record says, 2 else the note of its absence
-- returns  {'alive'}, or {'lapsed', fields and values of its record...} ({'lapsed'} alone:
--          no record, or one that is no hash)
-- A beat strikes the note out: who has beaten since it was written lives.
if redis.call('EXISTS', KEYS[1]) == 1 then
  local note = redis.pcall('HGET', KEYS[1], 'absent')
  if ARGV[1] ~= '1' and type(note) ~= 'table' and note ~= ARGV[2] then return {'alive'} end
  redis.call('RENAME', KEYS[1], KEYS[2])
end
local fields = redis.pcall('HGETALL', KEYS[2])
if fields.err then return {'lapsed'} end
table.insert(fields, 1, 'lapsed')
return fields
