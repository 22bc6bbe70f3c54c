"""The entry of this process among those that are shown: what it is, how it is, what it runs."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..clock import steady, wall
from ..config import Capsule
from ..process import Run
from .busy import as_json_text
from .courier import Courier
from .worker import Worker


class Entry:
    """What the heartbeat shows of a worker. Threads: the heartbeat's."""

    def __init__(
        self, worker: Worker, couriers: Sequence[Courier], runs: Callable[[], Iterable[Run]]
    ) -> None:
        self._worker = worker
        self._couriers = couriers
        self._runs = runs

    def now(
        self, round_trip_us: int
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, Any]]]:
        """Return what is shown at this moment: info, fields, and the jobs that run, by thread."""
        return self._info(), self._fields(round_trip_us), self._work()

    def _info(self) -> dict[str, Any]:
        worker, config = self._worker, self._worker.config
        return {
            **worker.host.info,
            **worker.state.info,
            "hostname": worker.identity.rsplit(":", 2)[0],
            "started_at": worker.started_at,
            "pid": os.getpid(),
            "tag": config.tag,
            "concurrency": self._threads,
            # What it was started with: others may have told it to have more threads, or fewer.
            "configured": sum(capsule.concurrency for capsule in config.capsules),
            "python": platform.python_version(),
            "capsules": {one.capsule.name: _shown(one) for one in self._couriers},
            "queues": [name for courier in self._couriers for name in courier.queues],
            **_promised(config.capsules),
            "weights": [_weights(courier) for courier in self._couriers],
            "labels": list(config.labels),
            "identity": worker.identity,
            "version": worker.version,
            "embedded": False,
            # What tells kiq's processes from Ruby's: they must not share a database with msgpack.
            "kiq": True,
            # As in the owners' records: who can see the lock that they name, sees whether it lives.
            "facts": {name: str(value) for name, value in worker.facts.items()},
            "codec": config.codec,
        }

    @property
    def _threads(self) -> int:
        return sum(courier.threads for courier in self._couriers)

    def _fields(self, round_trip_us: int) -> dict[str, Any]:
        quiet = all(courier.is_quiet for courier in self._couriers)
        return {
            "concurrency": self._threads,
            "busy": sum(run.current is not None for run in self._runs()),
            "beat": wall(),
            "quiet": "true" if quiet else "false",
            "rss": resident_kilobytes(),
            "rtt_us": round_trip_us,
        }

    def _work(self) -> dict[str, dict[str, Any]]:
        shown = {}
        now, today = steady(), wall()
        for run in self._runs():
            taken, started_at = run.current, run.started_at
            if taken is not None:
                shown[run.tid] = {
                    "queue": taken.flight.queue,
                    "payload": as_json_text(taken.raw),
                    "run_at": int(today - (now - started_at)),
                }
        return shown


def _promised(capsules: Sequence[Capsule]) -> dict[str, dict[str, float]]:
    """Return for how long no job of a queue shall wait, for who judges that without our file."""
    found = dict(pair for capsule in capsules for pair in capsule.latencies)
    return {"latencies": found} if found else {}


def _weights(courier: Courier) -> dict[str, int]:
    # Sidekiq shows strict and random queues with weight 0 and 1.
    named, strict = dict(courier.capsule.queues), courier.capsule.mode == "strict"
    return {name: 0 if strict else named.get(name, 1) for name in courier.queues}


def _shown(courier: Courier) -> dict[str, Any]:
    capsule = courier.capsule
    return {
        "concurrency": courier.threads,
        "mode": capsule.mode,
        "weights": _weights(courier),
    }


def resident_kilobytes() -> int:
    """Return this process's resident memory in KB (its peak, where only that can be had)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
