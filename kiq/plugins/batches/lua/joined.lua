-- Jobs have been pushed, and belong to a batch from now on; behind the last ones it is judged.
-- KEYS     those of shared.lua
-- ARGV     1 id, 2 '1' where these are the first: where all are refused there will be no batch, 3 '1' where these
--          are the last, 4 how many places, then for each: how many jobs, their jids
-- PUSHED   for each place a number, a table with an answer for each job (see guarded.lua), or an error
-- returns  how many of them are jobs of the batch
local record, jobs, others = at(1)
local now, from, stored = clock(), 5, 0
local refused = {}

local function store(list)
  for first = 1, #list, 4000 do
    local last = math.min(first + 3999, #list)
    stored = stored + redis.call('SADD', jobs, unpack(list, first, last))
  end
end

for place = 1, tonumber(ARGV[4]) do
  local count, reply, here = tonumber(ARGV[from]), PUSHED[place], {}
  local answers = type(reply) == 'table' and not reply.err and reply
  for i = 1, count do
    local jid, answer = ARGV[from + i], reply
    if answers then answer = answers[i] end
    local kind = type(answer) == 'string' and answer:sub(1, 1)
    if type(answer) == 'number' or kind == '+' then here[#here + 1] = jid
    elseif kind ~= '?' then refused[#refused + 1] = jid
    end
  end
  store(here)
  from = from + count + 1
end

if ARGV[2] == '1' and stored == 0 and #refused > 0 then
  redis.call('DEL', record)
  redis.call('SREM', KEYS[3], bids[1])
  redis.call('ZREM', KEYS[5], bids[1])
  if levels > 1 then
    local parent, _, parent_others = at(2)
    redis.call('ZREM', parent_others, bids[1])
    redis.call('HINCRBY', parent, 'batches', -1)
  end
  return 0
end
for _, jid in ipairs(refused) do redis.call('ZADD', others, 8, jid) end
redis.call('HINCRBY', record, 'total', stored + #refused)
revive(1)
if ARGV[3] == '1' and redis.call('HGET', record, 'state') == 'open' then
  redis.call('HSET', record, 'state', 'running', 'committed_at', now)
end
pcall(judge, 1, now) -- what fails here the sweep finds
return stored
