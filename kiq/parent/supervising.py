"""The parent at work: hears signals and deaths, lets the fleet decide, and does what it says."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable

from .. import __version__, config_file
from ..clock import steady
from ..config import Config
from ..errors import BootError
from ..health.systemd import Notifier
from ..plugin import Host
from ..signals import DUMP, QUIET, STOP
from . import heritage, linux, renewal
from .answering import Answers
from .ears import RESTART, Ears
from .ends import Ends, never_began
from .fleet import Fleet, Limits
from .helpers import Helpers
from .heritage import Heritage
from .members import ORDERS, GiveUp, Member, Order, Phase, Remark, Start, Tell, Told, described
from .nursery import Ended, Nursery, Worker
from .renewal import Renewal
from .saying import say
from .settings import ParentSettings
from .title import Title
from .wellness import Wellness

_SOON, _LOOK = 0.05, 1.0  # seconds between two looks at children
_TO_GIVE_BACK = 3.0  # seconds at the end for what killed children held


def supervise(
    host: Host, application: Callable[[], Config], worker: Worker, notifier: Notifier
) -> int:
    """Boot the application, be the parent of its workers until a stop is ordered; return the exit code.

    *application* boots it, *worker* is a worker in a child. Raises what *application* does. Threads: the
    main one, with no other beside it.
    """
    left, ears = heritage.received(), Ears()
    if heritage.is_trial():
        try:
            application()
        except BaseException as error:
            heritage.answer(error)
            raise
        return 0
    ears.install(booted=left is not None)
    heritage.accept()
    try:
        parent = Parent(application(), host, worker, ears, notifier, left)
    except BaseException:
        if left is not None:
            renewal.fail(left)
        raise
    return parent.run()


class Parent:
    """Threads: the main one. It waits for its ears only: not for Redis, nor for the log's reader."""

    def __init__(
        self,
        config: Config,
        host: Host,
        worker: Worker,
        ears: Ears,
        notifier: Notifier,
        left: Heritage | None,
    ) -> None:
        settings = config.of(ParentSettings)
        self._config = config
        self._ears = ears
        self._nursery = Nursery(config, host, worker, ears.descriptors, left)
        self._fleet = Fleet(
            Limits(
                processes=max(1, settings.processes),
                memory=settings.max_memory,
                boot_timeout=settings.boot_timeout,
                shutdown_timeout=config.shutdown_timeout,
                max_silence=settings.max_silence,
                lease=config.lease,
            )
        )
        self._wellness = Wellness(config, self._fleet, self._nursery.page_of, notifier, host, left)
        self._answers = Answers(config, self._fleet, left)
        self._helpers = Helpers(self._nursery)
        self._renewal = Renewal(self._leave, lambda: self._listen(0.0), self._answers.failed)
        self._ends = Ends()
        self._orders = 0  # to stop
        self._code = 0
        self._next_measure = 0.0
        self._complete = False  # all children have been ready at a time
        if left is not None:
            self._take_over(left)

    def _take_over(self, left: Heritage) -> None:
        """Be what this process was before, with another application: replace the children that it had."""
        for heir in left.heirs:
            self._fleet.started(self._nursery.adopt(heir))
        for dead in left.dead:
            self._helpers.owe(dead)
        self._fleet.quiet = left.quiet
        self._fleet.restart()

    def _leave(self) -> Heritage:
        members, dead = self._fleet.members.values(), self._helpers.owed
        others = {**self._wellness.leave(), **self._answers.leave()}
        return self._nursery.leave(members, dead=dead, quiet=self._fleet.quiet, **others)

    def run(self) -> int:
        """Do it, until all children have ended; return the exit code."""
        self._introduce()
        while not self._fleet.over:
            self._carry_out(self._fleet.decide(steady()))
            self._listen(self._pause())
            self._look()
        self._await_giver()
        self._wellness.close()
        self._answers.end()
        say(logging.INFO, "bye")
        return self._code

    def _introduce(self) -> None:
        for name in self._ears.install(booted=True):
            say(logging.WARNING, "the application's own handler of %s is replaced", name)
        linux.adopt_orphans()
        Title("kiq parent", f"parent of {self._fleet.limits.processes}", self._config.tag)
        for line in (
            f"kiq {__version__}, Python {sys.version.split()[0]}",
            *config_file.banner_lines(self._config),
        ):
            say(logging.INFO, "%s", line)
        for notice in self._config.notices:
            say(logging.WARNING, "%s", notice)
        count, pid = self._fleet.limits.processes, os.getpid()
        say(logging.INFO, "this is the parent of %d children (pid %d)", count, pid)

    def _pause(self) -> float:
        soon = _SOON if self._fleet.hurried or self._helpers.busy else _LOOK
        return self._wellness.pause(min(soon, self._fleet.next_look(steady())))

    # What is heard

    def _listen(self, seconds: float) -> bool:
        """Wait for signals, and act on them; return whether there were any."""
        names = self._ears.wait(seconds, self._wellness.wait)
        for name in names:
            if name in STOP:
                self._stop(name)
            elif name in QUIET:
                self._fleet.quiet = True
                self._forward(signal.SIGTSTP)
                say(logging.INFO, "quiet: no child takes more jobs, and none is started")
            elif name in DUMP:
                self._dump()
            elif name == RESTART:
                self._restart()
        return bool(names)

    def _restart(self) -> None:
        self._answers.ordered()
        if not self._fleet.stopping and not self._renewal.begin():
            self._fleet.restart()
            self._answers.forked()

    def _stop(self, name: str) -> None:
        self._orders += 1
        number = signal.Signals[f"SIG{name}"]
        if self._orders == 1:
            seconds = self._config.shutdown_timeout
            say(logging.INFO, "stopping: running jobs have %g s", seconds)
            self._fleet.stop()
            return
        if self._orders == 2:
            say(logging.WARNING, "told again: running jobs go back to their queues now")
            self._forward(signal.SIGTERM)
            return
        self._forward(signal.SIGKILL)
        os._exit(128 + number)

    def _forward(self, number: signal.Signals) -> None:
        for pid in self._fleet.members:
            self._nursery.send(pid, number)

    def _dump(self) -> None:
        for member in self._fleet.members.values():
            say(logging.WARNING, "%s", described(member, steady()))
        self._forward(signal.SIGTTIN)

    # What is seen

    def _look(self) -> None:
        now = steady()
        for pid in self._fleet.members:
            page = self._nursery.page_of(pid)
            before = self._fleet.members[pid].phase
            self._fleet.seen(pid, Phase(page.phase), page.beat, now)
            if page.phase == Phase.READY and before is not Phase.READY:
                self._measure(pid)
                if self._fleet.quiet:  # it may have been told so before it could hear
                    self._nursery.send(pid, signal.SIGTSTP)
                say(
                    logging.INFO, "child %d (pid %d) takes jobs", self._fleet.members[pid].slot, pid
                )
        if not self._complete and self._fleet.complete:
            self._complete = True
            say(logging.INFO, "ready; stop it with Ctrl-C")
        if now >= self._next_measure:
            self._next_measure = now + _LOOK
            for pid in list(self._fleet.members):
                self._measure(pid)
            self._helpers.keep(self._fleet.silent(now), now)
            self._answers.look()
        for ended in self._nursery.reap():
            self._part_with(ended)
        if not self._fleet.stopping:
            self._renewal.look()
        self._helpers.give_back()
        self._wellness.look(self._nursery.given_back(), renewing=self._renewal.pending)

    def _measure(self, pid: int) -> None:
        jobs = self._nursery.page_of(pid).jobs
        self._carry_out(self._fleet.measured(pid, jobs, linux.resident_bytes(pid)))

    def _part_with(self, ended: Ended) -> None:
        pid, code = ended
        self._helpers.ended(pid, code)
        self._renewal.ended(pid, code)
        if pid not in self._fleet.members:
            return
        page = self._nursery.page_of(pid)
        self._fleet.seen(pid, Phase(page.phase), page.beat, steady())  # its last words
        member = self._fleet.ended(pid, code, steady())
        self._tell_end(member, code)
        crashed = member.told in (Told.NOTHING, Told.KILL) and not self._fleet.stopping
        self._wellness.ended(pid, crashed=crashed)
        dead = self._nursery.part_with(pid, crashed=crashed)
        if code:
            self._helpers.owe(dead)
        if self._fleet.stopping and code and not never_began(member, code):
            self._code = self._code or (code if code > 0 else 70)

    def _tell_end(self, member: Member, code: int) -> None:
        wanted = code == 0 or self._fleet.stopping or member.told is not Told.NOTHING
        say(
            logging.INFO if wanted else logging.ERROR,
            "child %d (pid %d) ended: %s",
            member.slot,
            member.pid,
            self._ends.words(member, code),
        )

    # What is done

    def _carry_out(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Start):
                self._start(order.slot)
            elif isinstance(order, Tell):
                self._tell(order)
            elif isinstance(order, GiveUp):
                self._code = order.code
                say(logging.CRITICAL, "no child can be a worker: this process ends, see above")
            elif isinstance(order, Remark):
                say(logging.ERROR if order.serious else logging.INFO, "%s", order.text)

    def _start(self, slot: int) -> None:
        try:
            member = self._nursery.bear(slot)
        except (BootError, OSError) as error:
            say(logging.ERROR, "child %d can't be started: %s", slot, error)
            self._fleet.not_started(slot, steady())
            return
        self._fleet.started(member)
        say(logging.INFO, "child %d has pid %d", slot, member.pid)

    def _tell(self, order: Tell) -> None:
        member = order.member
        self._nursery.tell(member)
        say(
            logging.ERROR if order.told is Told.KILL else logging.INFO,
            "child %d (pid %d) %s%s",
            member.slot,
            member.pid,
            ORDERS[order.told],
            f": {order.why}" if order.why else "",
        )

    def _await_giver(self) -> None:
        """Let what killed children held go back, if Redis is there; else others see to it, by the lease."""
        until = steady() + _TO_GIVE_BACK
        while self._helpers.busy and steady() < until:
            self._listen(_SOON)
            self._look()
