"""Where a job is that is said to run still: what other programs deleted leaves no word."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ... import keys
from ...store.scripts import Command

_PAGE = 1000  # jobs of a queue that are looked through in one round trip


def is_somewhere(call: Callable[[Command], Any], jid: str, queues: Iterable[str]) -> bool:
    """Tell whether the job *jid* waits in one of *queues*, is in flight, or in the scheduled or retry set.

    Jobs move while it looks: only two looks in a row that find nothing say that it is gone. As many round
    trips as there are owners, and thousands of jobs. Raises StoreError.
    """
    wanted = jid.encode()
    owners = [raw.decode(errors="replace") for raw in call(("SMEMBERS", keys.OWNERS))]
    sources = [*(keys.queue(name) for name in queues), keys.SCHEDULE, keys.RETRY]
    return (
        any(_in_queue(call, keys.queue(name), wanted) for name in queues)
        or any(
            wanted in raw
            for owner in owners
            for source in sources
            for raw in call(("HGETALL", keys.inflight(source, owner)))
        )
        or any(_in_set(call, name, jid) for name in (keys.SCHEDULE, keys.RETRY))
        or any(_in_queue(call, keys.queue(name), wanted) for name in queues)
    )


def _in_queue(call: Callable[[Command], Any], key: str, wanted: bytes) -> bool:
    first = 0
    while page := call(("LRANGE", key, first, first + _PAGE - 1)):
        if any(wanted in raw for raw in page):
            return True
        first += len(page)
    return False


def _in_set(call: Callable[[Command], Any], key: str, jid: str) -> bool:
    cursor: Any = 0
    while True:
        cursor, found = call(("ZSCAN", key, cursor, "MATCH", f"*{jid}*", "COUNT", _PAGE))
        if found:
            return True
        if int(cursor) == 0:
            return False
