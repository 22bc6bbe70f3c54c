"""Jobs in the manner of Resque: what type checkers must accept. Checked, never run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from kiq.contrib import resque
from kiq.contrib.resque import failure


class MyJob:
    queue = "default"

    @staticmethod
    def perform(name: str, count: int = 1) -> None: ...

    @staticmethod
    def around_perform(name: str, count: int = 1) -> Iterator[None]:
        yield


class ByClass:
    queue = "low"

    @classmethod
    def perform(cls, number: int) -> str:
        return f"{cls.__name__} {number}"


@resque.register
class Registered:
    queue = "low"

    @staticmethod
    def perform() -> None: ...


class Mail:
    def save(self, failed: failure.Failure) -> None: ...


jid: str | None = resque.enqueue(MyJob, "Alice", 3)
resque.enqueue(MyJob, "Alice", count=3)
resque.enqueue(ByClass, 1)
resque.enqueue(Registered)
resque.enqueue_to("low", MyJob, "Alice")
resque.enqueue_in(timedelta(minutes=5), MyJob, "Alice")
resque.enqueue_at(datetime.now(UTC), ByClass, 1)
resque.delay_or_enqueue_in(60, MyJob, "Alice", 3)
removed: int | None = resque.dequeue(MyJob, "Alice", 3)
sizes: dict[str, int] = resque.queue_sizes()
resque.inline = True
resque.redis = "localhost:6379"
resque.schedule = {"nightly": {"cron": "0 3 * * *", "class": MyJob, "args": ["Alice", 1]}}
failure.add(Mail(), queues=["critical"])
