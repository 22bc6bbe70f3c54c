"""What the jobs of a worker's event loop share: entered before the first, left after the last."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

import kiq
from kiq.plugins.asyncio_jobs import AsyncJobs
from kiq.registry import JobSpec, Registry
from kiq.work.executor import Executor
from kiq.worker_state import WorkerState
from tests.helpers.featured import config_of
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("greenlet")


class Shared:
    """A worker's loop with parts; all that happens to them."""

    def __init__(self) -> None:
        self.host, self.registry, self.worker = kiq.Host(), Registry(), WorkerState()
        self.reported: list[str] = []
        self.host.error_handlers = [lambda error, _where: self.reported.append(str(error))]
        self.host.install(AsyncJobs())
        self.happened: list[str] = []

        async def perform() -> None: ...

        self.registry.add(JobSpec("F", {}, (), perform, None))

    def part(
        self, name: str, enters: Exception | None = None, leaves: Exception | None = None
    ) -> Any:
        @contextlib.asynccontextmanager
        async def part() -> AsyncIterator[None]:
            task = asyncio.current_task()
            if enters:
                raise enters
            self.happened.append(f"{name} on {threading.current_thread().name}")
            try:
                yield
            finally:
                assert asyncio.current_task() is task  # as cancel scopes want it
                self.happened.append(f"{name} left")
            if leaves:
                raise leaves

        self.host.loop_parts.append(part)
        return part

    def begin(self) -> Callable[[], None]:
        """Start the loop; return what ends it."""
        Executor(config_of(), self.host, self.registry, self.worker)
        process: Any = SimpleNamespace(state=self.worker)
        services = [service(process) for service in self.host.services]
        return next(each.exit for each in services if hasattr(each, "exit"))


def test_they_are_entered_before_the_first_job_and_left_the_last_first() -> None:
    shared = Shared()
    shared.part("a")
    shared.part("b")
    end = shared.begin()
    assert shared.happened == ["a on kiq-event-loop", "b on kiq-event-loop"]
    end()
    assert shared.happened[2:] == ["b left", "a left"]
    assert shared.reported == []


def test_one_that_can_not_be_entered_stops_the_start_and_others_are_left() -> None:
    shared = Shared()
    shared.part("a")
    shared.part("b", enters=ValueError("no database"))
    with pytest.raises(ValueError, match="no database"):
        shared.begin()
    assert shared.happened[1:] == ["a left"]
    assert not [each for each in threading.enumerate() if each.name == "kiq-event-loop"]


def test_one_that_takes_too_long_stops_the_start_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiq.plugins.asyncio_jobs.parts._START", 0.01)
    shared = Shared()

    @contextlib.asynccontextmanager
    async def hangs() -> AsyncIterator[None]:
        await asyncio.sleep(3600)
        yield

    shared.host.loop_parts.append(hangs)
    with pytest.raises(kiq.KiqError, match="hangs"):
        shared.begin()


def test_what_fails_at_the_end_is_reported() -> None:
    shared = Shared()
    shared.part("a", leaves=ValueError("late"))
    shared.begin()()
    eventually(lambda: shared.reported == ["late"], message="it is told to the handlers' thread")


def test_without_async_jobs_there_is_no_loop_and_nothing_is_entered() -> None:
    shared = Shared()
    shared.registry = Registry()
    shared.part("a")
    Executor(config_of(), shared.host, shared.registry, shared.worker)
    assert shared.happened == []
