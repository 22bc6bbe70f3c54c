"""A capsule whose rounds a test does, with jobs in hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kiq.clock import steady
from kiq.codec import encode
from kiq.config import Capsule, Config
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreUnavailable
from kiq.plugin import Host
from kiq.registry import Registry
from kiq.store.connection import Connector
from kiq.verdict import Taken, Verdict
from kiq.work.exchange import Exchange
from kiq.work.handover import Handover
from kiq.work.inbox import Inbox
from kiq.work.worker import Worker

JOB = {"class": "Any", "args": [], "queue": "a", "retry": True, "created_at": 1_800_000_000_000}


def payloads(*jids: str, **fields: object) -> list[bytes]:
    """Return a job for each of *jids*, with *fields*."""
    return [encode({**JOB, **fields, "jid": jid}, "json") for jid in jids]


class Capsuled:
    """A capsule with the jobs of *queues* in hand; no thread is started, the test does its rounds."""

    def __init__(self, url: str, host: Host, queues: Sequence[str] = ("a",)) -> None:
        settings = RedisSettings(url=url)
        self.worker = Worker(Config(redis=settings), host, Registry(), Connector(settings), "0")
        self.worker.errands.start()
        self.inbox, self.handover = Inbox(), Handover(5)
        self.exchange = Exchange(
            self.worker,
            Capsule(queues=tuple((name, 1) for name in queues), concurrency=5),
            self.inbox,
            self.handover,
        )
        later = steady() + 3600  # so that the rate stays what it is
        self.exchange.pace.finished(0, later)
        self.exchange.pace.finished(1_000, later + 0.02)
        self.exchange.reconciler.secure(self.exchange.link)
        self.round()
        self.jobs: Sequence[Taken] = self.inbox.drain()[::-1]

    @property
    def owner(self) -> str:
        """Who it is."""
        return self.exchange.session.owner.name

    def end(self, *verdicts: Verdict) -> None:
        """Let the jobs have ended with *verdicts*."""
        self.handover.outbox.extend(zip(self.jobs, verdicts, strict=False))

    def round(self) -> None:
        """Do a round."""
        self.exchange.reconciler.secure(self.exchange.link)
        self.exchange.begin()
        if self.exchange.open:
            self.exchange.end()

    def broken_round(self) -> None:
        """Do one whose outcome nobody sees."""
        with pytest.raises(StoreUnavailable):
            self.round()
        self.exchange.lost()

    def heard(self) -> bool:
        """Wait until all is told."""
        return self.worker.errands.idle(5)

    def close(self) -> None:
        """End its threads."""
        self.worker.errands.close()
        self.exchange.link.close()
