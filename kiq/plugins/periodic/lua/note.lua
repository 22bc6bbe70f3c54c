-- Shared by the pieces below: a line in the history of an entry, of which so many are kept.
local function note(history, outcomes, kept, tick, what, detail)
  local time = redis.call('TIME')
  local now = string.format('%d.%03d', time[1], math.floor(time[2] / 1000))
  redis.call('LPUSH', history, tick .. ' ' .. now .. ' ' .. what .. ' ' .. detail)
  while redis.call('LLEN', history) > tonumber(kept) do
    local old = redis.call('RPOP', history)
    local jid = old and old:match('^%S+ %S+ %S+ (%S+)')
    if jid then redis.pcall('HDEL', outcomes, jid) end
  end
  return now
end
