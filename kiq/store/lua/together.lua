-- Run scripts (`acts`, above) one after the other, in one step: what decides, pushes, and what stands behind them.
-- KEYS     those of each act in turn
-- ARGV     1 how many acts, then for each: its kind, number of its script, how many keys and arguments it has;
--          then the arguments of each in turn
-- returns  for each act what it returned, or text: '!' and an error
-- One that is 'before' decides: unless it returns 1, nothing that follows is done. One that is 'after' gets the
-- replies of all that was a 'push' since the last such: a number, or a table, which has `err` where Redis refused.
local function part(list, from, count)
  local found = {}
  for i = 1, count do found[i] = list[from + i - 1] end
  return found
end

local count = tonumber(ARGV[1])
local key, at = 1, 2 + 4 * count
local pushed, replies = {}, {}
for number = 1, count do
  local plan = 4 * number - 2
  local kind, keys, args = ARGV[plan], tonumber(ARGV[plan + 2]), tonumber(ARGV[plan + 3])
  local act = acts[tonumber(ARGV[plan + 1])]
  local went, reply = pcall(act, part(KEYS, key, keys), part(ARGV, at, args), pushed)
  key, at = key + keys, at + args
  if not went and type(reply) ~= 'table' then reply = {err = tostring(reply)} end
  if kind == 'push' then pushed[#pushed + 1] = reply elseif kind == 'after' then pushed = {} end
  replies[number] = type(reply) == 'table' and reply.err and '!' .. reply.err or reply
  if kind == 'before' and reply ~= 1 then break end
end
return replies
