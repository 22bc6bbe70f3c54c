"""The jobs of kiq in the tests of features."""

from __future__ import annotations

import os
from typing import Any

from notes import note, work

import kiq
from kiq import limits

_TEST = os.environ["BENCH_TEST"]


class Once(kiq.Job, unique=kiq.Unique("until_success", by="key", on_conflict="raise")):
    """One for each key, from its push until it has succeeded."""

    def perform(self, key: str, ident: str) -> None:
        """Work."""
        work(key, ident)


class Alone(kiq.Job, unique=kiq.Unique("while_executing", by="key")):
    """All are pushed, and of each key one runs at a time."""

    def perform(self, key: str, ident: str) -> None:
        """Work."""
        work(key, ident)


class Call(kiq.Job, limit=limits.window("api", 100, per=1)):
    """Calls the API, at most 100 times in any second."""

    def perform(self, key: str, ident: str) -> None:
        """Work."""
        work(key, ident)


class Slot(kiq.Job, limit=limits.concurrent("slots", 5)):
    """Five at a time."""

    def perform(self, key: str, ident: str) -> None:
        """Work."""
        work(key, ident)


class Member(kiq.Job):
    """One of a batch."""

    def perform(self, key: str, ident: str) -> None:
        """Work."""
        work(key, ident)


class Called(kiq.Job):
    """The callback of a batch."""

    def perform(self, key: str) -> None:
        """Note it."""
        note("called", key)


def push_batch(key: str, idents: list[str]) -> None:
    """Push a batch."""
    with kiq.Batch(key, on_success=Called.args(key)):
        for ident in idents:
            Member.perform_async(key, ident)


_JOBS: dict[str, Any] = {"alone": Alone, "window": Call, "slots": Slot}


def push(key: str, ident: str) -> bool:
    """Push a job, and tell whether there was none."""
    if _TEST in _JOBS:
        _JOBS[_TEST].perform_async(key, ident)
        return True
    try:
        Once.perform_async(key, ident)
    except kiq.DuplicateJob:
        return False
    return True


if _TEST == "periodic":
    _MISSED: Any = os.environ.get("BENCH_MISSED", "once")

    @kiq.periodic(every=f"{os.environ['BENCH_PERIOD']}s", missed=_MISSED)
    class Tick(kiq.Job):
        """Notes what it is for."""

        def perform(self) -> None:
            """Note the tick."""
            job = kiq.current_job()
            note("tick", job.payload["tick"] if job else "-")
