"""One owner at one Redis, for tests of the store: short words for what the courier and poller send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import redis

from kiq import keys
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreError
from kiq.store import fetch, flight, held, owners, promotion
from kiq.store.connection import Connector, Link
from kiq.store.enqueue import push_command
from kiq.store.fetch import Fetched, Wanted
from kiq.store.flight import DeadLimits
from kiq.verdict import Flight, Permit, Taken, Verdict

LIMITS = DeadLimits(size=10_000, age=180 * 24 * 3600)
NOW = 1_800_000_000.0


def open_link(url: str) -> Link:
    """Return a new link to the server at *url*."""
    return Connector(RedisSettings(url=url)).open()


class Depot:
    """An owner that is registered, with a link of its own. *sources* are keys, queues by default."""

    def __init__(self, url: str, owner: str = "host:1:abc:default", *sources: str) -> None:
        self.link = open_link(url)
        self.owner = owner
        self.epoch = 1
        self.call = 0
        self._flights: dict[str, Flight] = {}
        owners.register(self.link, owner, 60, list(sources or ("queue:a",)), {"host": "host"})

    def flight(self, source: str) -> Flight:
        """Return the flight of *source*: a queue's name, ``retry`` or ``schedule``."""
        key = source if source in (keys.RETRY, keys.SCHEDULE) else keys.queue(source)
        return self._flights.setdefault(key, Flight(self.owner, key, Permit()))

    def push(self, queue: str, raws: Iterable[bytes]) -> int:
        """Push as a client of kiq does."""
        return int(self.link.call(push_command(queue, list(raws))))

    def fetch_reply(self, count: int, *queues: str, **options: Any) -> Any:
        """Send a fetch and return its bare reply.

        Options: strict, weights, passes, named, call, most, bands.
        """
        self.call = options.get("call", self.call + 1)
        flights = [self.flight(name) for name in queues or ("a",)]
        wanted = Wanted(
            count,
            flights,
            options.get("weights", [1] * len(flights)),
            options.get("passes", [0.0] * len(flights)),
            options.get("strict", True),
            most=options.get("most", {}),
            bands=options.get("bands", ()),
        )
        named = options.get("named", False)
        return self.link.call(fetch.fetch_command(self.owner, self.epoch, self.call, wanted, named))

    def fetch(self, count: int, *queues: str, **options: Any) -> Fetched:
        """Fetch as the courier does."""
        reply = self.fetch_reply(count, *queues, **options)
        flights = [self.flight(name) for name in queues or ("a",)]
        flights += [band.flight for band in options.get("bands", ())]
        return fetch.read_fetch(reply, self.call, flights, NOW)

    def take(self, count: int, *queues: str) -> list[Taken]:
        """Fetch in strict order, and return the jobs."""
        fetched = self.fetch(count, *queues)
        assert fetched.state == "ok"
        assert not fetched.errors
        return fetched.jobs

    def done(self, jobs: Sequence[Taken]) -> list[Any]:
        """Settle *jobs* as done; return the script's reply."""
        groups = flight.group_by_flight(jobs)
        reply: list[Any] = self.link.call(flight.done_command(groups, NOW))
        return reply

    def move(self, job: Taken, verdict: Verdict, limits: DeadLimits = LIMITS) -> list[int]:
        """Settle one job that goes somewhere; return the script's reply."""
        reply: list[int] = self.link.call(flight.move_command((job, verdict), NOW, limits))
        return reply

    def delay(self, jobs: Sequence[Taken], verdicts: Sequence[Verdict]) -> list[int]:
        """Settle jobs that go to one sorted set together; return the script's reply."""
        settled = list(zip(jobs, verdicts, strict=True))
        reply: list[int] = self.link.call(flight.delay_command(settled, NOW))
        return reply

    def hand_back(self, jobs: Sequence[Taken], *, last: bool = False) -> list[Any]:
        """Hand back *jobs*, given oldest first."""
        groups = flight.group_by_flight(list(reversed(jobs)))
        reply: list[Any] = self.link.call(
            flight.hand_back_command(self.owner, self.epoch, groups, last)
        )
        return reply

    def mark(self, jobs: Sequence[Taken]) -> None:
        """Mark suspects as about to run."""
        self.link.call(flight.mark_command(jobs))

    def claim(self, source: str, limit: int = 1000) -> promotion.Claimed:
        """Claim due members of *source*, under a new call number."""
        self.call += 1
        return promotion.claim(self.link, self.owner, source, self.call, limit)

    def commit(self, source: str, *moves: tuple[str, str, bytes]) -> tuple[int, list[str]]:
        """Commit claims: (delivery id, queue, payload) each."""
        promotions = [promotion.Promotion(*move) for move in moves]
        entered = promotion.commit(self.link, self.owner, source, promotions).plain
        if isinstance(entered, StoreError):
            raise entered
        return entered

    def contents(self, *sources: str) -> held.Contents | None:
        """Begin a new epoch and list what is in flight; this owner goes on in that epoch."""
        flights = [self.flight(source) for source in sources or ("a",)]
        contents = held.contents(self.link, self.owner, self.epoch + 1, flights)
        if contents is not None:
            self.epoch = contents.epoch
        return contents

    def die(self, by: Link | None = None, *, crashed: bool = True) -> owners.Reclaimed:
        """Be reclaimed, as after a proven death, by another process."""
        reclaimed = owners.reclaim(by or self.link, self.owner, proven=True, crashed=crashed)
        assert reclaimed is not None
        return reclaimed


def has_lease(link: Link, owner: str) -> bool:
    """Tell whether the lease of *owner* runs."""
    sighting = owners.look_at(link, [owner])[owner]
    return isinstance(sighting, owners.Sighting) and sighting.leased


def end_lease(raw: redis.Redis, owner: str) -> None:
    """Let *owner* have beaten an hour ago."""
    raw.hincrbyfloat(keys.record(owner), "beat", -3600)


def missed(raw: redis.Redis, owner: str) -> str:
    """Note in the record of *owner* that it was seen without a lease often enough; return the note."""
    note = "6@1.0"
    raw.hset(keys.record(owner), "absent", note)
    return note


def waiting(raw: redis.Redis, queue: str = "a") -> list[bytes]:
    """Return the payloads of *queue*, the next one first."""
    found: Any = raw.lrange(keys.queue(queue), 0, -1)
    return list(reversed(found))


def in_flight(raw: redis.Redis, depot: Depot, source: str = "a") -> list[bytes]:
    """Return the values of the owner's in-flight hash of *source*, in any order."""
    found: Any = raw.hvals(depot.flight(source).key)
    return list(found)


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Return *count* small payloads that differ."""
    return [b"job-%d" % number for number in range(first, first + count)]
