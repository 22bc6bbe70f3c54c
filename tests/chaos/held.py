"""Which jobs Redis has, and where."""

from __future__ import annotations

from typing import Any

import redis

from kiq.codec import decode
from kiq.errors import UndecodablePayload

#: In one step: a job that goes from flight to its queue between two looks would be in neither.
_SCRIPT = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local jobs
  if redis.call('TYPE', key).ok == 'string' then jobs = {} -- a test broke it
  elseif key:find('^queue:') then jobs = redis.call('LRANGE', key, 0, -1)
  elseif key:find('^kiq:inflight:') then jobs = redis.call('HVALS', key)
  elseif key == 'retry' or key == 'schedule' then jobs = redis.call('ZRANGE', key, 0, -1)
  end
  if jobs and #jobs > 0 then found[#found + 1] = key; found[#found + 1] = jobs end
end
return found
"""


def held(store: redis.Redis) -> dict[str, list[str]]:
    """Return the jids per key: queues, in flight, retry, schedule."""
    client: Any = store
    listed = client.eval(_SCRIPT, 0)
    return {
        key.decode(): [jid_of(raw) for raw in raws]
        for key, raws in zip(listed[::2], listed[1::2], strict=True)
    }


def jid_of(raw: bytes) -> str:
    """Return the jid of a payload or a claim, "?" if it has none."""
    # What a poller holds in flight has its score in front.
    for text in (raw, raw.partition(b"|")[2]):
        try:
            return str(decode(text)[0].get("jid"))
        except UndecodablePayload:
            continue
    return "?"
