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
from ..process import Run
from ..store import owners, processes
from ..store.connection import Link
from ..store.signals import SentSignals
from .busy import as_json_text
from .courier import Courier
from .outage import Outage
from .worker import Worker

logger = logging.getLogger("kiq.heartbeat")

_TICK = 1.0  # seconds between two looks at our own threads
_UNTIL_REGISTERED = 0.02  # seconds between two looks whether this process is registered
_MOST = 5.0  # seconds between two beats, at most
_SILENT = 10.0  # seconds after which a courier that should fetch is reported
_HANGS_AFTER = 10.0  # seconds, or half the lease: no exchange with Redis takes longer
_MOST_HANGING = 2  # threads that may be left behind


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
        self._worker = worker
        self._couriers = couriers
        self._runs = runs
        self._on_signal = on_signal
        self.thread, self._link = self._new_thread()
        self._hanging: list[Kept] = []  # threads that were left behind
        self._outage = Outage("heartbeat", refusals=worker.refusals)
        self._signals = SentSignals(worker.identity)
        self._heard_at = steady()  # what is read next was sent after that
        self._interval = min(_MOST, worker.lease / 6)
        self._next_beat = 0.0
        self._round_trip_us = 0
        self._first = True
        self._stopping = False
        self._wake = threading.Event()
        self._soon = False
        self._leaving: set[str] = set()  # owners whose records say that they were told to end
        self._silent: set[Courier] = set()

    def mend(self) -> bool:
        """Let another thread beat when this one hangs; False when too many do. See :mod:`kiq.kept`."""
        silence = self.thread.silence * _TICK
        if silence < max(_HANGS_AFTER, self._worker.lease / 2):
            return True
        self._hanging = [one for one in self._hanging if one.thread.is_alive()]
        if len(self._hanging) >= _MOST_HANGING:
            return False
        logger.error(
            "the heartbeat has hung for %.0f s: another thread takes its place. It is here:\n%s",
            silence,
            stack_of(self.thread.thread.ident),
        )
        before = self.thread, self._link
        self.thread, self._link = self._new_thread()
        try:
            self.thread.start()
        except RuntimeError:
            self.thread, self._link = before
            return False
        self._hanging.append(before[0])
        return True

    def _new_thread(self) -> tuple[Kept, Link]:
        # Each has a connection of its own: whose is not the present one has been left behind.
        link = self._worker.connector.open()
        return Kept(lambda: self._run(link), "kiq-heartbeat", among=self._worker.threads), link

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

    def _run(self, link: Link) -> None:
        pause = 0.0
        while link is self._link:
            self.thread.turns += 1
            self._wake.wait(pause)
            self._wake.clear()
            if self._stopping:
                self._leave(link)
                return
            if self._first and not self._worker.owners.active():
                pause = _UNTIL_REGISTERED
                continue  # a process that is shown is one that an owner's record tells of
            pause = min(_TICK, self._interval)
            try:
                if self._soon or steady() >= self._next_beat:
                    self._soon = False
                    self._beat(link)
                    self._next_beat = steady() + self._interval
                self._outage.over()
            except StoreError as error:
                link.close()
                pause = self._outage.failed(error)
            except Exception as error:  # noqa: BLE001 (must outlive whatever happens)
                link.close()
                self._worker.report(error, {"context": "heartbeat"})
            self._watch()
        link.close()  # another thread beats now

    def _beat(self, link: Link) -> None:
        worker = self._worker
        active = worker.owners.active()
        sent_at = steady()
        if active:
            known = owners.beat(link, list(active))
            if link is not self._link:
                return
            self._round_trip_us = round((steady() - sent_at) * 1_000_000)
            for owner, alive in known.items():
                if alive:
                    active[owner].permit.extend(worker.good_until(sent_at))
                else:
                    active[owner].fence()
                    for courier in self._couriers:
                        courier.look()
        if all(courier.is_quiet for courier in self._couriers):
            for owner in active.keys() - self._leaving:
                owners.leaving(link, owner)
                self._leaving.add(owner)
        asked_at = steady()
        count, *heard = link.exchange([("SCARD", keys.OWNERS), *self._signals.commands()])
        if link is not self._link:
            return
        if not isinstance(count, StoreError):
            worker.fleet = max(1, count)
        for signal in self._signals.read(heard):
            self._on_signal(signal, self._heard_at)
        self._heard_at = asked_at
        worker.beaten_at = sent_at
        sidekiq = worker.config.sidekiq
        processes.show(link, worker.identity, self._info(), self._fields(), self._work(), sidekiq)
        if self._first:
            self._first = False
            worker.tell("heartbeat")
        worker.tell("beat")

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
            **worker.host.info,
            **worker.state.info,
            "hostname": worker.identity.rsplit(":", 2)[0],
            "started_at": worker.started_at,
            "pid": os.getpid(),
            "tag": config.tag,
            "concurrency": sum(capsule.concurrency for capsule in config.capsules),
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

    def _leave(self, link: Link) -> None:
        try:
            processes.hide(link, self._worker.identity, self._worker.config.sidekiq)
        except StoreError as error:
            logger.debug("could not take this process off the list: %s", error)
        finally:
            link.close()


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
