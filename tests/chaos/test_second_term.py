"""A second TERM that comes before the stop has set its deadline: it makes it now all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pytest

import kiq
from kiq.clock import steady
from kiq.config import Config
from kiq.config import Redis as RedisSettings
from kiq.registry import Registry
from kiq.work.launcher import Launcher
from tests.helpers.waiting import eventually

#: Seconds that running jobs would have.
LONG = 60.0


class Between:
    """A lock that lets something happen once, just after it was let go for the first time."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._happens: Callable[[], object] | None = happens

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()


@pytest.fixture
def launcher(
    redis_url: str, tmp_path: Path, fresh_registry: Registry, fresh_host: kiq.Host
) -> Launcher:
    """A worker in this process that runs, and would give its jobs a minute."""
    made = Launcher(
        Config(redis=RedisSettings(url=redis_url), shutdown_timeout=LONG),
        fresh_host,
        fresh_registry,
        version="0",
        on_signal=lambda _name, _since: None,
        run_folder=tmp_path / "run",
    )
    assert made.prepare(lambda _seconds: True)
    made.start()
    return made


def _deadline(launcher: Launcher) -> float:
    return launcher.worker.deadline.at or steady() + LONG


def test_when_the_stop_begins_in_the_middle_of_the_second_signal(launcher: Launcher) -> None:
    stopper = threading.Thread(target=launcher.stop)

    def stop_begins() -> None:
        stopper.start()
        eventually(lambda: launcher.worker.deadline.at, message="the stop has its deadline")

    launcher.worker.deadline._lock = Between(stop_begins)  # type: ignore[assignment]
    launcher.hurry()
    stopper.join(20)
    assert not stopper.is_alive()
    assert _deadline(launcher) <= steady()


def test_when_the_second_signal_comes_before_the_stop_or_after_it(launcher: Launcher) -> None:
    launcher.hurry()
    launcher.stop()
    assert _deadline(launcher) <= steady()
    launcher.hurry()
    assert _deadline(launcher) <= steady()
