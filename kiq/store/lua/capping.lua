-- Run a fetch (the function `act`, above) within what features say of how many jobs may be taken.
-- KEYS     those of the fetch, then those of each question
-- ARGV     those of the fetch, then for each question: number of a cap (0: none may be taken), number of the
--          queue, how many keys and arguments it has, arguments; last: how many questions, and how many keys
--          and arguments the fetch has
-- returns  {what the fetch returns, {number of a cap, number of a queue, text of an error, ...}}
-- Of a queue whose room can't be told nothing is taken. What was taken and can't be noted goes back; the reply
-- of the fetch is {'stale'} then, and the owner asks what it has.
redis.call('HDEL', KEYS[1], '')

local function part(list, from, count)
  local found = {}
  for i = 1, count do found[i] = list[from + i - 1] end
  return found
end

local count, own_keys, own_args = tonumber(ARGV[#ARGV - 2]), tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
local names, args = part(KEYS, 1, own_keys), part(ARGV, 1, own_args)
local questions, problems, failed = {}, {}, {}
local key, at = own_keys + 1, own_args + 1
for i = 1, count do
  local keys, given = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  questions[i] = {
    number = tonumber(ARGV[at]), cap = caps[tonumber(ARGV[at])], queue = tonumber(ARGV[at + 1]),
    keys = part(KEYS, key, keys), args = part(ARGV, at + 4, given),
  }
  key, at = key + keys, at + 4 + given
end

-- Run a piece for a question; returns whether that went well, and what it returned.
local function try(question, piece, ...)
  local went, result = pcall(piece, question.keys, question.args, ...)
  if not went then
    problems[#problems + 1] = question.number
    problems[#problems + 1] = question.queue
    problems[#problems + 1] = type(result) == 'table' and result.err or tostring(result)
  end
  return went, result
end

local function room(question)
  if not question.cap then return 0 end
  local went, most = try(question, function(KEYS, ARGV)
    local found = question.cap.room(KEYS, ARGV)
    if found == nil then return math.huge end
    local number = tonumber(found)
    if not number or number ~= number then error('room returned no number') end
    return math.max(0, math.floor(number))
  end)
  return went and most or 0
end

for i = 1, count do
  local place = 7 + 3 * questions[i].queue
  local most = math.min(room(questions[i]), tonumber(args[place]) or math.huge)
  if most < math.huge then args[place] = most end
end

local reply = act(names, args)
if reply[1] ~= 'ok' then return {reply, problems} end

-- Of bands, which stand behind the queues, the fetch is told of which queue they are.
local lists = (own_keys - 3) / 3
local queues = lists - (args[8 + 3 * lists] or 0)
local function queue_of(l) return l <= queues and l or tonumber(args[7 + 3 * l]) end

local ids, tokens, before = {}, {}, 0
for c = 1, #reply[3], 2 do
  local l, kept = reply[3][c], reply[3][c + 1]
  local q = queue_of(l)
  ids[l], tokens[q] = ids[l] or {}, tokens[q] or {}
  for i = before + 1, before + kept do
    local id = args[3] .. '.' .. i
    table.insert(ids[l], id)
    table.insert(tokens[q], args[1] .. ' ' .. id)
  end
  before = before + kept
end

for i = 1, count do
  local question = questions[i]
  local taken = question.cap and tokens[question.queue]
  if taken and not try(question, question.cap.took, taken) then failed[question.queue] = true end
end
if not next(failed) then return {reply, problems} end

-- The next one last, so that it ends at the right.
for l in pairs(ids) do
  local list, flight = names[l * 3], names[l * 3 + 1]
  for i = failed[queue_of(l)] and #ids[l] or 0, 1, -1 do
    local held = redis.call('HGET', flight, ids[l][i])
    redis.call('HDEL', flight, ids[l][i])
    redis.call('RPUSH', list, held)
  end
end
for i = 1, count do
  local question = questions[i]
  if question.cap and failed[question.queue] then
    for _, token in ipairs(tokens[question.queue] or {}) do try(question, question.cap.freed, token) end
  end
end
return {{'stale'}, problems}
