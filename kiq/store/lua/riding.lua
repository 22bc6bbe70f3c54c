-- Run a script (the function `act`, above), then the pieces of features for what it took out of flight.
-- KEYS     those of the script, then those of each ride
-- ARGV     those of the script, then for each ride: number of its piece, place of an in-flight hash in KEYS
--          (0: what left is told by the script's reply), the field there (or its place in the reply), how many
--          keys and arguments it has, arguments; last: how many rides, keys and arguments of the script
-- returns  {what the script returns, for each ride 1 if its job left, else 0, number of a piece and text
--          of an error, ...}; an error alone if the script returns one
-- What a piece does can't undo what is settled: it runs when that is done.
local function part(list, from, count)
  if count <= 1000 then return {unpack(list, from, from + count - 1)} end -- a stack holds no more than some thousands
  local found = {}
  for i = 1, count do found[i] = list[from + i - 1] end
  return found
end

local rides, own_keys, own_args = tonumber(ARGV[#ARGV - 2]), tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local plan, there, key, at = {}, {}, own_keys + 1, own_args + 1
for r = 1, rides do
  local keys, args = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local hash = KEYS[tonumber(ARGV[at + 1])]
  there[r] = hash and redis.pcall('HEXISTS', hash, ARGV[at + 2]) == 1
  plan[r] = {at, key, keys, args}
  key, at = key + keys, at + 5 + args
end

local ended, reply = pcall(act, part(KEYS, 1, own_keys), part(ARGV, 1, own_args))

local left = {}
if ended and type(reply) == 'table' then
  for i = 2, #reply do left[tostring(reply[i])] = true end
end
local flags, problems = {}, {}
for r = 1, rides do
  local from, first, keys, args = unpack(plan[r])
  local hash, field, gone = KEYS[tonumber(ARGV[from + 1])], ARGV[from + 2], nil
  if hash then
    gone = there[r] and redis.pcall('HEXISTS', hash, field) == 0
  else
    gone = left[field]
  end
  flags[r] = gone and 1 or 0
  if gone then
    local piece = tonumber(ARGV[from])
    local went, problem = pcall(pieces[piece], part(KEYS, first, keys), part(ARGV, from + 5, args))
    if not went then
      problems[#problems + 1] = piece
      problems[#problems + 1] = type(problem) == 'table' and problem.err or tostring(problem)
    end
  end
end
if not ended then return type(reply) == 'table' and reply or redis.error_reply(tostring(reply)) end
if type(reply) == 'table' and reply.err then return reply end
return {reply, flags, problems}
