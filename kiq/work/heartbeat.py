"""The heartbeat: says that this process lives, shows what it does, hears what it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from .. import keys
from ..clock import steady
from ..errors import StoreError
from ..kept import stack_of
from ..process import Run
from ..store import owners, processes
from ..store.signals import SentSignals
from .courier import Courier
from .entry import Entry
from .loop import Loop
from .worker import Worker

logger = logging.getLogger("kiq.heartbeat")

_TICK = 1.0  # seconds between two looks at our own threads
_UNTIL_REGISTERED = 0.02  # seconds between two looks whether this process is registered
_MOST = 5.0  # seconds between two beats, at most
_SILENT = 10.0  # seconds after which a courier that should fetch is reported
_HANGS_AFTER = 10.0  # seconds, or half the lease: no exchange with Redis takes longer
_MOST_HANGING = 2  # threads that may be left behind


class _Beating:
    """A loop that beats, on a connection of its own: whose is not the present one was left behind."""

    def __init__(
        self,
        worker: Worker,
        tick: Callable[[_Beating], float],
        leave: Callable[[_Beating], None],
    ) -> None:
        self.link = worker.connector.open()
        self.loop = Loop(
            worker,
            "heartbeat",
            partial(tick, self),
            lost=self.link.close,
            leave=partial(leave, self),
            hangs_after=None,  # see Heartbeat.mend
        )


class Heartbeat:
    """Renews leases, writes Sidekiq's process keys, takes signals, watches the other threads.

    One that hangs is left behind, and another begins. Threads: its loop's; the launcher mends and stops it.
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
        self._entry = Entry(worker, couriers, runs)
        self._on_signal = on_signal
        self._beating = self._new()
        self._hanging: list[_Beating] = []  # that were left behind
        self._signals = SentSignals(worker.identity)
        self._heard_at = steady()  # what is read next was sent after that
        self._interval = min(_MOST, worker.lease / 6)
        self._next_beat = 0.0
        self._first = True
        self._soon = False
        self._leaving: set[str] = set()  # owners whose records say that they were told to end
        self._silent: set[Courier] = set()

    @property
    def loop(self) -> Loop:
        """The loop that beats at present."""
        return self._beating.loop

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""
        self.loop.start()

    def mend(self) -> bool:
        """Let another loop beat when this one hangs; False when too many do. See :mod:`kiq.kept`."""
        before = self._beating
        silence = before.loop.thread.silence * _TICK
        if silence < max(_HANGS_AFTER, self._worker.lease / 2):
            return True
        self._hanging = [one for one in self._hanging if not one.loop.join(0.0)]
        if len(self._hanging) >= _MOST_HANGING:
            return False
        logger.error(
            "the heartbeat has hung for %.0f s: another thread takes its place. It is here:\n%s",
            silence,
            stack_of(before.loop.thread.thread.ident),
        )
        self._beating = self._new()  # from here on the other one does nothing any more
        try:
            self.start()
        except RuntimeError:
            self._beating = before
            return False
        self._hanging.append(before)
        before.loop.stop()
        return True

    def _new(self) -> _Beating:
        return _Beating(self._worker, self._tick, self._leave)

    def hasten(self) -> None:
        """Beat every second from now on: the process stops, and somebody may order it to hurry."""
        self._interval = min(self._interval, _TICK)
        self._next_beat = 0.0

    def stop(self) -> None:
        """End, and take this process off the list."""
        self.loop.stop()

    def soon(self) -> None:
        """Beat at once: there is something new to show."""
        self._soon = True
        self.loop.wake()

    def _tick(self, beating: _Beating) -> float:
        if self._first and not self._worker.owners.active():
            return _UNTIL_REGISTERED  # what is shown is a process of which an owner's record tells
        try:
            if self._soon or steady() >= self._next_beat:
                self._soon = False
                self._beat(beating)
                if beating is self._beating:
                    self._next_beat = steady() + self._interval
        finally:
            self._watch()
        return min(_TICK, self._interval)

    def _beat(self, beating: _Beating) -> None:
        worker, link = self._worker, beating.link
        active = worker.owners.active()
        sent_at = steady()
        if active:
            known = owners.beat(link, list(active))
            if beating is not self._beating:
                return
            worker.round_trip = steady() - sent_at
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
        if beating is not self._beating:
            return
        if not isinstance(count, StoreError):
            worker.fleet = max(1, count)
        for signal in self._signals.read(heard):
            self._on_signal(signal, self._heard_at)
        self._heard_at = asked_at
        worker.beaten_at = sent_at
        sidekiq = worker.config.sidekiq
        info, fields, work = self._entry.now(round(worker.round_trip * 1_000_000))
        processes.show(link, worker.identity, info, fields, work, sidekiq)
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

    def _leave(self, beating: _Beating) -> None:
        link = beating.link
        try:
            if beating is not self._beating:
                return  # it was left behind: another beats now
            processes.hide(link, self._worker.identity, self._worker.config.sidekiq)
        except StoreError as error:
            logger.debug("could not take this process off the list: %s", error)
        finally:
            link.close()
