"""A census: which of some jobs are anywhere, looked at a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from .. import keys
from ..api.home import Connection
from ..api.job_set import RetrySet, ScheduledSet
from ..api.queue import Queue
from ..codec import decode
from ..errors import UndecodablePayload

_PAGE = 1000  # jobs between two pauses


class Census:
    """Looks for jobs by their jids; what is still in *missing* at the end was nowhere.

    Jobs of a feature: they have its *field*. Queues first, then what is in flight, then the sets: a job
    that is fetched meanwhile is met. One that goes another way may be missed. Threads: one.
    """

    def __init__(self, home: Connection, jids: Collection[str], field: str) -> None:
        self._home = home
        self._field = field
        self.missing = set(jids)

    def pages(self) -> Iterator[None]:
        """Look, and yield now and then: after so many jobs. Raises StoreError."""
        raws, field = self._everywhere(), self._field.encode()
        while self.missing and (page := list(islice(raws, _PAGE))):
            for raw in page:
                if field in raw:
                    self.missing.discard(_jid(raw))
            yield

    def _everywhere(self) -> Iterator[bytes]:
        for queue in Queue.all(self._home):
            for job in queue:
                yield job.raw
        yield from self._in_flight()
        for jobs in (ScheduledSet(self._home), RetrySet(self._home)):
            for entry in jobs.scan(self._field):
                yield entry.raw

    def _in_flight(self) -> Iterator[bytes]:
        owners = [name.decode() for name in self._home.call(("SMEMBERS", keys.OWNERS))]
        for owner in owners:
            records = self._home.exchange(
                [("HGET", place(owner), "sources") for place in (keys.record, keys.lapsed)]
            )
            sources = next((one.decode() for one in records if one), "")
            for source in filter(None, sources.split("\n")):
                yield from self._held(keys.inflight(source, owner))

    def _held(self, name: str) -> Iterator[bytes]:
        cursor = b"0"
        while True:
            cursor, found = self._home.call(("HSCAN", name, cursor, "COUNT", 100))
            yield from found[1::2]
            if cursor == b"0":
                return


def _jid(raw: bytes) -> str:
    try:
        return str(decode(raw)[0].get("jid", ""))
    except UndecodablePayload:
        return ""
