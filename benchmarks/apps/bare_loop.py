"""The bare loop: fetch a batch, decode, call a function, settle the batch with the next fetch.

Nothing else: no threads, no middleware, no retries, no leases, one queue. What it does in a second
is what this design could do at best in this interpreter; ``benchmarks/limit.py`` compares.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgpack
import redis

_BATCH = 250

#: The in-flight hash and the counter stay: without them it would not be this design.
_FETCH = """
local jobs = redis.call('RPOP', KEYS[1], ARGV[2])
if not jobs then return {} end
local fields = {}
for i = 1, #jobs do
  fields[2 * i - 1] = ARGV[1] .. '.' .. i
  fields[2 * i] = jobs[i]
end
redis.call('HSET', KEYS[2], unpack(fields))
return jobs
"""
_SETTLE = """
local gone = redis.call('HDEL', KEYS[1], unpack(ARGV))
return redis.call('INCRBY', KEYS[2], gone)
"""


def _perform(number: int) -> None:
    """The job."""


def _loop(connection: Any) -> None:
    connection.connect()
    fetch, settle = (_load(connection, text) for text in (_FETCH, _SETTLE))
    known = {"Noop": _perform}
    unpack, pack = msgpack.unpackb, connection.pack_commands
    call, settled = 0, []
    while True:
        call += 1
        commands = []
        if settled:
            commands.append(("EVALSHA", settle, 2, "kiq:inflight:bare", "stat:processed", *settled))
        commands.append(
            ("EVALSHA", fetch, 2, "queue:default", "kiq:inflight:bare", str(call), _BATCH)
        )
        connection.send_packed_command(pack(commands))
        replies = [connection.read_response(disable_decoding=True) for _ in commands]
        settled = []
        for index, raw in enumerate(replies[-1], start=1):
            payload = unpack(raw)
            known[payload["class"]](*payload["args"])
            settled.append(f"{call}.{index}")


def _load(connection: Any, text: str) -> str:
    connection.send_command("SCRIPT", "LOAD", text)
    digest: bytes = connection.read_response()
    return digest.decode()


if __name__ == "__main__":
    pool = redis.ConnectionPool.from_url(os.environ["REDIS_URL"], protocol=2)
    try:
        _loop(pool.connection_class(**pool.connection_kwargs))
    except KeyboardInterrupt:
        sys.exit(0)
