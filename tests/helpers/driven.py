"""A worker in the test's own process, whose rounds are counted by the thread that begins them."""

from __future__ import annotations

import ctypes
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import kiq
from kiq.client import Client
from kiq.config import Capsule
from kiq.config import Redis as RedisSettings
from kiq.registry import registry
from kiq.work.courier import Courier
from kiq.work.launcher import Launcher
from kiq.work.manager import Manager
from tests.helpers.featured import config_of
from tests.helpers.namespaced import store_of
from tests.helpers.waiting import eventually

#: What ran: number, and when it began (monotonic clock).
_runs: list[tuple[int, float]] = []


class Paced(kiq.Job, retry=False):
    """Notes that it runs, and takes some time."""

    def perform(self, number: int, how: str, seconds: float) -> None:
        """Take *seconds* as *how* says: "sleeps", "computes", "holds" the interpreter; or none.

        "waits" and "spins" end as soon as the test sets :data:`released`.
        """
        _runs.append((number, time.monotonic()))
        if how == "sleeps":
            time.sleep(seconds)
        elif how == "computes":
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                pass
        elif how == "waits":
            released.wait(seconds)
        elif how == "spins":
            until = time.perf_counter() + seconds
            while time.perf_counter() < until and not released.is_set():
                pass
        elif how == "holds":
            ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


#: Ends jobs that wait or spin.
released = threading.Event()

Pace = tuple[str, float]
BLINK: Pace = ("", 0.0)


class Ledger:
    """The jobs of one test: what was pushed, what ran, what Redis has counted."""

    def __init__(self, url: str) -> None:
        _runs.clear()
        self.runs = _runs
        self.pushed = 0
        self._client = Client(RedisSettings(url=url))
        self._store = store_of(url)

    def push(self, jobs: Sequence[Pace], queue: str = "default") -> range:
        """Push *jobs* in slices of a thousand; return their numbers."""
        numbers = range(self.pushed, self.pushed + len(jobs))
        self.pushed += len(jobs)
        name = f"{Paced.__module__}.{Paced.__qualname__}"
        self._client.push_slices(
            [
                {"class": name, "args": [number, *job], "queue": queue}
                for number, job in zip(numbers, jobs, strict=True)
            ]
        )
        return numbers

    def began(self, number: int) -> float:
        """When job *number* began; 0 while it has not."""
        return next((at for one, at in self.runs if one == number), 0.0)

    def processed(self) -> int:
        """How many runs Redis has counted."""
        return int(self._store.get("stat:processed") or 0)  # type: ignore[arg-type]

    def verify(self, timeout: float = 20) -> None:
        """Wait until every job is settled; each must have run once, and been counted once."""
        eventually(lambda: self.processed() >= self.pushed, timeout, message="all are settled")
        ran = Counter(number for number, _ in self.runs)
        assert set(ran) == set(range(self.pushed))
        again = [number for number, times in ran.items() if times > 1]
        assert not again, f"{len(again)} ran again: {again[:10]}"
        assert self.processed() == self.pushed

    def close(self) -> None:
        """Close the connection."""
        self._store.close()


class DrivenWorker:
    """A launcher that runs in this process. Use as a context manager: it stops at the end."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *capsules: Capsule,
        host: kiq.Host | None = None,
        **settings: Any,
    ) -> None:
        """*host* is its own, unless given."""
        self.problems: list[tuple[BaseException, dict[str, Any]]] = []
        self.rounds: Counter[str] = Counter()  # by the name of the thread that began them
        self._host = host or kiq.Host()
        self._host.error_handlers[:] = [lambda error, where: self.problems.append((error, where))]
        config = config_of(
            redis=RedisSettings(url=url),
            capsules=capsules or (Capsule(concurrency=2),),
            skip_default_job_logging=True,
            **settings,
        )
        self.launcher = Launcher(
            config,
            self._host,
            registry,
            version="0",
            on_signal=lambda _name, _since: None,
            run_folder=folder / "run",
        )

    def __enter__(self) -> DrivenWorker:
        assert self.launcher.prepare(lambda _seconds: True)
        self.launcher.start()
        for manager in self.managers:
            self._count(manager.courier)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.launcher.stop()

    def _count(self, courier: Courier) -> None:
        exchange = courier._exchange
        begin: Callable[[], None] = exchange.begin

        def counted() -> None:
            self.rounds[threading.current_thread().name] += 1
            begin()

        exchange.begin = counted  # type: ignore[method-assign]

    @property
    def managers(self) -> Sequence[Manager]:
        """Its capsules at work."""
        return self.launcher._managers

    @property
    def driven(self) -> int:
        """How many rounds processors have begun."""
        return sum(n for name, n in self.rounds.items() if not name.startswith("kiq-courier"))

    def get_driving(self, ledger: Ledger) -> None:
        """Push short jobs until processors have begun some rounds more."""
        aim = self.driven + 3

        def drives() -> bool:
            if ledger.pushed - len(ledger.runs) < 1_000:
                ledger.push([BLINK] * 500)
            return self.driven >= aim

        eventually(drives, 20, interval=0.002, message=f"a processor drives ({self.rounds})")
