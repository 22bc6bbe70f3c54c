-- Run a script (the function `act`, above), then the pieces of features for what it took out of flight.
-- KEYS     those of the script, then those of each ride
-- ARGV     those of the script, then for each ride: number of its piece, place of an in-flight hash in KEYS
--          (0: what left is told by the script's reply), the field there (or its place in the reply), how many
--          keys and arguments it has, arguments; last: how many rides, keys and arguments of the script
-- returns  {what the script returns, for each ride 1 if its job left, else 0, number of a piece and text
--          of an error, ...}; an error alone if the script returns one
-- What a piece does can't undo what is settled: it runs when that is done.
local function part(list, from, count)
  local found = {}
  for i = 1, count do found[i] = list[from + i - 1] end
  return found
end

local rides, own_keys, own_args = tonumber(ARGV[#ARGV - 2]), tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local plan, key, at = {}, own_keys + 1, own_args + 1
for r = 1, rides do
  local keys, args = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local ride = {
    piece = tonumber(ARGV[at]), hash = KEYS[tonumber(ARGV[at + 1])], field = ARGV[at + 2],
    keys = part(KEYS, key, keys), args = part(ARGV, at + 5, args),
  }
  if ride.hash then ride.there = redis.pcall('HEXISTS', ride.hash, ride.field) == 1 end
  plan[r], key, at = ride, key + keys, at + 5 + args
end

local ended, reply = pcall(act, part(KEYS, 1, own_keys), part(ARGV, 1, own_args))

local left = {}
if ended and type(reply) == 'table' then
  for i = 2, #reply do left[tostring(reply[i])] = true end
end
local flags, problems = {}, {}
for r = 1, rides do
  local ride, gone = plan[r], nil
  if ride.hash then
    gone = ride.there and redis.pcall('HEXISTS', ride.hash, ride.field) == 0
  else
    gone = left[ride.field]
  end
  flags[r] = gone and 1 or 0
  if gone then
    local went, problem = pcall(pieces[ride.piece], ride.keys, ride.args)
    if not went then
      problems[#problems + 1] = ride.piece
      problems[#problems + 1] = type(problem) == 'table' and problem.err or tostring(problem)
    end
  end
end
if not ended then return type(reply) == 'table' and reply or redis.error_reply(tostring(reply)) end
if type(reply) == 'table' and reply.err then return reply end
return {reply, flags, problems}
