-- List the delivery ids of an in-flight hash, a page at a time (a plain HSCAN brings the payloads too).
-- KEYS     1 in-flight hash
-- ARGV     1 cursor, 2 about how many
-- returns  {next cursor ('0': all is listed), ids, how many bytes their payloads have}
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local ids, bytes = {}, 0
for i = 1, #page[2], 2 do
  ids[#ids + 1] = page[2][i]
  bytes = bytes + #page[2][i + 1]
end
return {page[1], ids, bytes}
