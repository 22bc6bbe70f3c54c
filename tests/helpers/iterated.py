"""Runs of iterable jobs, one by one, as a worker's executor does them, without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

import kiq
from kiq.api import connection
from kiq.codec import decode, encode
from kiq.config import Config
from kiq.plugin import Host
from kiq.plugins.iteration.plugin import Home
from kiq.registry import registry
from kiq.verdict import Flight, Permit, Taken, Verdict
from kiq.work.executor import Executor
from kiq.worker_state import WorkerState

JID = "5d1c7a52e6ad1ab1f5a1a0d8"


class Bench:
    """Runs jobs whose state is kept at *url*; what was reported is in ``reported``."""

    def __init__(self, url: str, store: redis.Redis) -> None:
        self.url = url
        self.store = store
        self.host = Host()
        self.worker = WorkerState()
        self.reported: list[BaseException] = []
        self.host.error_handlers = [lambda error, where: self.reported.append(error)]

    def run(self, job: type[kiq.IterableJob], *args: Any, **fields: Any) -> Verdict:
        """Run one job; the same jid and the same push each time."""
        payload = {
            "class": job._kiq_spec.name,
            "args": list(args),
            "jid": JID,
            "queue": "default",
            "created_at": 1_800_000_000_000,
            "enqueued_at": 1_800_000_000_000,
            **fields,
        }
        return self.execute(encode(payload, "msgpack"))

    def execute(self, raw: bytes) -> Verdict:
        """Run the job in *raw*."""
        executor = Executor(Config(), self.host, registry, self.worker)
        return executor(Taken("1.1", Flight("o", "queue:default", Permit()), raw, 0.0))

    def payload(self, verdict: Any) -> dict[str, Any]:
        """Return the payload that *verdict* carries."""
        found: dict[str, Any] = decode(verdict.raw)[0]
        return found

    def state(self, jid: str = JID) -> dict[str, str]:
        """Return the state in Redis, as text."""
        found: Any = self.store.hgetall(f"it-{jid}")
        return {name.decode(): value.decode() for name, value in found.items()}


@contextmanager
def bench_at(
    url: str, store: redis.Redis, *, max_runtime: float | None = None, timeout: float = 25.0
) -> Iterator[Bench]:
    """Make a worker of iterable jobs, with their state at *url*."""
    bench = Bench(url, store)
    bench.worker.keep(Home(connection(url), max_runtime, timeout))
    yield bench
