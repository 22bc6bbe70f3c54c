"""How a parent and its children are, as those hear it who ask, or are told: health, systemd."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..clock import steady
from ..config import Config
from ..errors import ConfigError
from ..health.condition import UNHEARD, Condition
from ..health.metrics import Metrics, exposing
from ..health.post import Post, address_of
from ..health.reports import Reports, Together, add
from ..health.systemd import Notifier
from ..plugin import Host
from .fleet import Fleet
from .heritage import Heritage, keep, kept
from .members import Phase
from .page import Page
from .saying import say


def condition(fleet: Fleet, page_of: Callable[[int], Page], now: float) -> Condition:
    """Return the condition of a parent at *now* (steady clock): from memory, whatever its children do.

    A child whose interpreter a job holds is left to ``max_silence``; one that boots or dies, to the parent.
    """
    working = {m: page_of(pid) for pid, m in fleet.members.items() if m.phase is Phase.READY}
    ready = [page for member, page in working.items() if member.ready and not page.quiet]
    count = fleet.limits.processes
    does = f"{len(ready)} of {count} {'child takes' if count == 1 else 'children take'} jobs"
    silent = {member.pid for member in fleet.silent(now)}
    stuck = [
        f"child {member.slot} (pid {member.pid})"
        for member, page in working.items()
        if page.stuck and member.pid not in silent
    ]
    if fleet.stopping:
        return Condition("stopping", idle="stopping")
    if stuck:
        return Condition(does, stuck=f"stuck, see its log: {', '.join(stuck)}")
    if fleet.quiet or (working and not ready):
        return Condition(does, idle="quiet: no more jobs are taken")
    if not ready:
        return Condition(does, idle="no child takes jobs yet")
    if all(now - page.heard > UNHEARD for page in ready):
        return Condition(does, idle="Redis does not answer")
    return Condition(does)


class Wellness:
    """Threads: the parent's one. Raises ConfigError where nothing can listen at the address.

    A parent that begins anew goes on all the same: it has children that work.
    """

    def __init__(
        self,
        config: Config,
        fleet: Fleet,
        page_of: Callable[[int], Page],
        notifier: Notifier,
        host: Host,
        left: Heritage | None,
    ) -> None:
        self._fleet, self._page_of = fleet, page_of
        self._reports = Reports(kept(left.past) if left is not None else None)
        self._past = -1  # the file in which they are left
        plugin = exposing(host)
        self._metrics = Metrics(plugin, self._numbers) if plugin is not None else None
        self._notifier = notifier
        self._address = address_of(config)
        self._now = lambda: condition(fleet, page_of, steady())
        self._post = self._made(_taken_over(left, str(self._address or "")), anew=left is not None)
        self.wait = self._post.wait

    def _made(self, inherited: Sequence[socket.socket], *, anew: bool) -> Post:
        try:
            return Post(
                self._address, self._notifier, self._now, self._metrics, inherited=inherited
            )
        except ConfigError as error:
            if not anew:
                raise
            say(logging.ERROR, "%s. Until then nothing answers: the children go on", error)
            self._address = None
            return Post(None, self._notifier, self._now)

    def pause(self, seconds: float) -> float:
        """Return *seconds*, or less where a sign of life is due before."""
        return min(seconds, self._notifier.period or seconds)

    def look(self, given_back: int, *, renewing: bool) -> None:
        """Tell what there is to tell.

        *given_back* is how many jobs of dead children went back since the last look; *renewing*: a rolling
        restart is under way.
        """
        add(self._reports.past, {"reclaimed": [given_back]})
        if self._fleet.stopping:
            self._notifier.stopping()
        elif renewing:
            self._notifier.reloading()
        elif any(member.ready for member in self._fleet.members.values()):
            self._notifier.ready()
        self._post.look()

    def ended(self, pid: int, *, crashed: bool) -> None:
        """Note that a child has ended; its numbers stay."""
        self._reports.end(pid, self._page_of(pid).read())
        add(self._reports.past, {"ended": [int(not crashed), int(crashed)]})

    def _numbers(self) -> tuple[Together, dict[str, float]]:
        members = self._fleet.members
        found = self._reports.together({pid: self._page_of(pid).read() for pid in members})
        ready = sum(member.ready for member in members.values())
        return found, {"children": self._fleet.limits.processes, "ready": ready}

    def leave(self) -> dict[str, Any]:
        """Return what of :class:`Heritage` is its own."""
        self._past = keep(self._reports.past, self._past)
        return {
            "past": self._past,
            "doors": self._post.descriptors,
            "address": str(self._address or ""),
            "variables": self._notifier.variables,
        }

    def close(self) -> None:
        """Answer no more: the last thing that a parent does."""
        self._post.close()


def _taken_over(left: Heritage | None, address: str) -> list[socket.socket]:
    """Return the sockets that the parent of before has left, if they listen at *address* still."""
    doors = left.doors if left is not None else []
    if left is not None and left.address == address:
        return [socket.socket(fileno=door) for door in doors]
    for door in doors:
        os.close(door)
    if left is not None and "/" in left.address:
        with suppress(OSError):
            os.unlink(left.address)
    return []
