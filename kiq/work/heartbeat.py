"""The heartbeat: says that this process lives, shows what it does, hears what it is told."""

from __future__ import annotations

import logging
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import keys
from ..clock import steady, wall
from ..config import Capsule
from ..errors import StoreError
from ..kept import Kept, stack_of
from ..store import owners, processes
from ..store.signals import SentSignals
from .busy import as_json_text
from .courier import Courier
from .desk import Run
from .outage import Outage
from .worker import Worker

logger = logging.getLogger("kiq.heartbeat")

_TICK = 1.0  # seconds between two looks at our own threads
_UNTIL_REGISTERED = 0.02  # seconds between two looks whether this process is registered
_MOST = 5.0  # seconds between two beats, at most
_SILENT = 10.0  # seconds after which a courier that should fetch is reported


class Heartbeat:
    """Renews leases, writes Sidekiq's process keys, takes signals, watches the other threads.

    Threads: its own; the launcher stops it.
    """

    def __init__(
        self,
        worker: Worker,
        couriers: Sequence[Courier],
        runs: Callable[[], Iterable[Run]],
        on_signal: Callable[[str, float], None],
    ) -> None:
        self.thread = Kept(self._run, "kiq-heartbeat")
        self._worker = worker
        self._couriers = couriers
        self._runs = runs
        self._on_signal = on_signal
        self._link = worker.connector.open()
        self._outage = Outage("heartbeat", refusals=worker.refusals)
        self._signals = SentSignals(worker.identity)
        self._heard_at = steady()  # what is read next was sent after that
        self._interval = min(_MOST, worker.lease / 6)
        self._next_beat = 0.0
        self._round_trip_us = 0
        self._first = True
        self._has_async = any(spec.is_async for spec in worker.registry.all())
        self._stopping = False
        self._wake = threading.Event()
        self._soon = False
        self._leaving: set[str] = set()  # owners whose records say that they were told to end
        self._silent: set[Courier] = set()

    def hasten(self) -> None:
        """Beat every second from now on: the process stops, and somebody may order it to hurry."""
        self._interval = min(self._interval, _TICK)
        self._next_beat = 0.0

    def stop(self) -> None:
        """End, and take this process off the list."""
        self._stopping = True
        self._wake.set()

    def soon(self) -> None:
        """Beat at once: there is something new to show."""
        self._soon = True
        self._wake.set()

    def _run(self) -> None:
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            if self._stopping:
                break
            if self._first and not self._worker.owners.active():
                pause = _UNTIL_REGISTERED
                continue  # a process that is shown is one that an owner's record tells of
            pause = min(_TICK, self._interval)
            try:
                if self._soon or steady() >= self._next_beat:
                    self._soon = False
                    self._beat()
                    self._next_beat = steady() + self._interval
                self._outage.over()
            except StoreError as error:
                self._link.close()
                pause = self._outage.failed(error)
            except Exception as error:  # noqa: BLE001 (must outlive whatever happens)
                self._link.close()
                self._worker.report(error, {"context": "heartbeat"})
            self._watch()
        self._leave()

    def _beat(self) -> None:
        worker = self._worker
        active = worker.owners.active()
        sent_at = steady()
        if active:
            known = owners.beat(self._link, list(active))
            self._round_trip_us = round((steady() - sent_at) * 1_000_000)
            for owner, alive in known.items():
                if alive:
                    active[owner].permit.extend(worker.good_until(sent_at))
                else:
                    self._fence(owner)
        if all(courier.is_quiet for courier in self._couriers):
            for owner in active.keys() - self._leaving:
                owners.leaving(self._link, owner)
                self._leaving.add(owner)
        asked_at = steady()
        count, *heard = self._link.exchange([("SCARD", keys.OWNERS), *self._signals.commands()])
        if not isinstance(count, StoreError):
            worker.fleet = max(1, count)
        for signal in self._signals.read(heard):
            self._on_signal(signal, self._heard_at)
        self._heard_at = asked_at
        worker.beaten_at = sent_at
        sidekiq = worker.config.sidekiq
        processes.show(
            self._link, worker.identity, self._info(), self._fields(), self._work(), sidekiq
        )
        if self._first:
            self._first = False
            worker.tell("heartbeat")
        worker.tell("beat")

    def _fence(self, owner: str) -> None:
        for courier in self._couriers:
            if courier.owner == owner:
                courier.fence(owner)

    def _watch(self) -> None:
        """Say so when a courier should fetch and doesn't. Asks nobody but our own threads."""
        for courier in self._couriers:
            silence = steady() - courier.progress_at
            stuck = silence > _SILENT and courier.wants_jobs
            if stuck and courier not in self._silent:
                logger.error(
                    "capsule %s has not been in touch with Redis for %.0f s, though threads wait for "
                    "jobs; its thread is here:\n%s",
                    courier.capsule.name,
                    silence,
                    stack_of(courier.thread.thread.ident),
                )
                self._silent.add(courier)
            elif not stuck and courier in self._silent:
                logger.warning("capsule %s fetches again", courier.capsule.name)
                self._silent.discard(courier)

    def _info(self) -> dict[str, Any]:
        worker, config = self._worker, self._worker.config
        return {
            "hostname": worker.identity.rsplit(":", 2)[0],
            "started_at": worker.started_at,
            "pid": os.getpid(),
            "tag": config.tag,
            "concurrency": sum(capsule.concurrency for capsule in config.capsules),
            "async_concurrency": config.async_concurrency if self._has_async else 0,
            "capsules": {capsule.name: _shown(capsule) for capsule in config.capsules},
            "queues": [name for capsule in config.capsules for name in capsule.queue_names],
            "weights": [_weights(capsule) for capsule in config.capsules],
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

    def _fields(self) -> dict[str, Any]:
        quiet = all(courier.is_quiet for courier in self._couriers)
        return {
            "concurrency": sum(c.concurrency for c in self._worker.config.capsules),
            "busy": sum(run.current is not None for run in self._runs()),
            "beat": wall(),
            "quiet": "true" if quiet else "false",
            "rss": resident_kilobytes(),
            "rtt_us": self._round_trip_us,
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

    def _leave(self) -> None:
        try:
            processes.hide(self._link, self._worker.identity, self._worker.config.sidekiq)
        except StoreError as error:
            logger.debug("could not take this process off the list: %s", error)
        finally:
            self._link.close()


def _weights(capsule: Capsule) -> dict[str, int]:
    # Sidekiq shows strict and random queues with weight 0 and 1.
    return {name: 0 if capsule.mode == "strict" else weight for name, weight in capsule.queues}


def _shown(capsule: Capsule) -> dict[str, Any]:
    return {
        "concurrency": capsule.concurrency,
        "mode": capsule.mode,
        "weights": _weights(capsule),
    }


def resident_kilobytes() -> int:
    """Return this process's resident memory in KB (its peak, where only that can be had)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
