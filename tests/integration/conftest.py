"""What several files of these tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.config import Capsule
from kiq.plugins.batches import Batches
from kiq.plugins.cancelling import Cancelling
from kiq.plugins.limits import attach as attach_limits
from kiq.plugins.periodic.plugin import Periodic
from kiq.plugins.results import hub
from tests.helpers import batched, limited, resulted
from tests.helpers.driven import DrivenWorker
from tests.helpers.ticking import Ticking
from tests.helpers.uniques import by_name, gate, noted
from tests.helpers.waiting import eventually


@pytest.fixture
def nothing_noted() -> Iterator[None]:
    """Let the jobs of ``tests.helpers.uniques`` have run nowhere; open their gate at the end."""
    noted.clear()
    gate.clear()
    yield
    gate.set()


@pytest.fixture
def unique_worker(
    nothing_noted: None, kiq_client: kiq.Client, redis_url: str, tmp_path: Path
) -> Callable[[], DrivenWorker]:
    """Make a worker that knows unique jobs, of the queue "out"."""
    by_name()  # attached by the first option
    capsule = Capsule(queues=(("out", 1),), concurrency=3)
    return lambda: DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)


@pytest.fixture
def limited_worker(
    kiq_client: kiq.Client, redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., DrivenWorker]]:
    """Make a worker that knows limits, of the queue "out"; what has run before is forgotten."""
    limited.noted.clear()
    limited.gate.clear()
    attach_limits()

    def make(concurrency: int = 3, **more: Any) -> DrivenWorker:
        capsule = Capsule(queues=(("out", 1),), concurrency=concurrency)
        return DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host, **more)

    yield make
    limited.gate.set()


@pytest.fixture
def who_waits_goes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the connection by which results are waited for go at once, and before the next test."""
    monkeypatch.setattr(hub, "_IDLE", 0.05)
    yield
    eventually(lambda: not hub._hubs, 20, message="nobody waits for results any more")


@pytest.fixture
def result_worker(
    kiq_client: kiq.Client, redis_url: str, tmp_path: Path, who_waits_goes: None
) -> Iterator[Callable[..., DrivenWorker]]:
    """Make a worker of the queue "out" that keeps results; jobs that wait end with the test at last."""
    resulted.gate.clear()
    resulted.begun.clear()
    resulted.wanted()  # attached by the first option
    capsule = Capsule(queues=(("out", 1),), concurrency=3)
    yield lambda **settings: DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host, **settings)
    resulted.gate.set()


@pytest.fixture
def make_ticking(
    redis_url: str, kiq_client: kiq.Client, tmp_path: Path
) -> Iterator[Callable[..., Ticking]]:
    """Start what ticks for the entries that are given, as often as it is called."""
    made: list[Ticking] = []

    def start(entries: Any, **more: Any) -> Ticking:
        made.append(Ticking(redis_url, tmp_path / str(len(made)), entries, **more))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def ridden() -> None:
    """What hears that runs are over is attached to this process."""
    kiq.host.install(Periodic())
    kiq.host.services.clear()


@pytest.fixture
def nothing_told() -> Iterator[None]:
    """Let the jobs of ``tests.helpers.batched`` have run nowhere; open their gate at the end."""
    batched.clear()
    yield
    batched.gate.set()


@pytest.fixture
def batch_worker(
    fresh_host: kiq.Host, kiq_client: kiq.Client, redis_url: str, tmp_path: Path
) -> Callable[[], DrivenWorker]:
    """Make a worker that knows batches, and cancelling, of the queue "out"."""
    kiq.host.install(Batches())
    kiq.host.install(Cancelling())
    capsule = Capsule(queues=(("out", 1),), concurrency=3)
    return lambda: DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)
