"""Where a job is that is said to run still: what other programs deleted leaves no word."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from ... import keys
from ...store.scripts import Command

_PAGE = 1000  # jobs of a queue that are looked through in one round trip

#: Yields after each round trip, and returns whether the job is anywhere.
Search = Generator[None, None, bool]


def searching(call: Callable[[Command], Any], jid: str, queues: Iterable[str]) -> Search:
    """Look whether the job *jid* waits in one of *queues*, is in flight, or in the scheduled or retry set.

    Jobs move while it looks: only two looks in a row that find nothing say that it is gone. As many round
    trips as there are owners, and thousands of jobs. Raises StoreError.
    """
    wanted = jid.encode()
    lists = [keys.queue(name) for queue in queues for name in keys.bands(queue)]
    yield
    for key in lists:
        if (yield from _in_queue(call, key, wanted)):
            return True
    owners = [raw.decode(errors="replace") for raw in call(("SMEMBERS", keys.OWNERS))]
    for owner in owners:
        for source in (*lists, keys.SCHEDULE, keys.RETRY):
            if any(wanted in raw for raw in call(("HGETALL", keys.inflight(source, owner)))):
                return True
            yield
    for key in (keys.SCHEDULE, keys.RETRY):
        if (yield from _in_set(call, key, jid)):
            return True
    for key in lists:
        if (yield from _in_queue(call, key, wanted)):
            return True
    return False


def _in_queue(call: Callable[[Command], Any], key: str, wanted: bytes) -> Search:
    first = 0
    while page := call(("LRANGE", key, first, first + _PAGE - 1)):
        if any(wanted in raw for raw in page):
            return True
        first += len(page)
        yield
    return False


def _in_set(call: Callable[[Command], Any], key: str, jid: str) -> Search:
    cursor: Any = 0
    while True:
        cursor, found = call(("ZSCAN", key, cursor, "MATCH", f"*{jid}*", "COUNT", _PAGE))
        if found:
            return True
        if int(cursor) == 0:
            return False
        yield
