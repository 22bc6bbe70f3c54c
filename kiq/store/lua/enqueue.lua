-- Shared by the pieces of features: pushes a job of theirs, and wakes who waits for it.
local function enqueue(list, queues, idle, queue, payload)
  redis.call('LPUSH', list, payload)
  redis.pcall('SADD', queues, queue)
  ring(idle, 1)
end
