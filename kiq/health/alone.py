"""How a worker without a parent is, as those hear it who ask, or are told: on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..clock import steady
from ..config import Config
from ..kept import Kept
from ..parent.members import Phase
from ..plugin import Host
from .condition import STUCK, UNHEARD, Condition
from .metrics import Metrics, exposing
from .post import Post, address_of
from .reports import Outlet, Reports, Together
from .systemd import Notifier
from .vitals import Vitals

_LOOK = 1.0  # seconds


class Alone:
    """A lone worker's stand-in for a parent: told the same by it, it answers for it.

    While a job holds the interpreter this thread has no turn either: nobody is answered. Made after the
    application was booted; raises ConfigError where nothing can listen at the address.

    Threads: the main one; its own reads what that wrote.
    """

    def __init__(self, config: Config, notifier: Notifier, host: Host) -> None:
        self.facts: dict[str, Any] = {}
        self._notifier = notifier
        self._phase = Phase.BORN
        self._vitals: Vitals | None = None
        self._looked_at = 0.0
        self.outlet = Outlet(self._take)
        self._report = b""
        self._reports, plugin = Reports(), exposing(host)
        metrics = Metrics(plugin, self._numbers) if plugin is not None else None
        self._post = Post(address_of(config), notifier, self.condition, metrics)
        self._thread = Kept(self._run, "kiq-health")
        if self._post.wanted:
            self._thread.start()

    def begin(self, host: Host, order: Callable[[str], object]) -> None:
        """Do nothing: there is no parent whose end is to be watched."""

    def beat(self) -> None:
        """Do nothing: nobody waits for it before the worker is ready."""

    def enter(self, phase: Phase) -> None:
        """Note how far this process has come."""
        self._looked_at = steady()
        self._phase = phase

    def tell(self, vitals: Vitals) -> None:
        """Note that the main thread has looked, and what it saw."""
        self._vitals = vitals
        self._looked_at = steady()

    def look(self, worker: object) -> None:
        """Do nothing: there is no parent that wants something."""

    def condition(self) -> Condition:
        """Return the condition of this process."""
        if self._phase is Phase.STOPPING:
            return Condition("stopping", idle="stopping")
        if self._phase is not Phase.READY:
            waits = self._phase is Phase.CONNECTING
            return Condition("starting", idle="it waits for Redis" if waits else "it is starting")
        silence = steady() - self._looked_at
        if silence > STUCK:
            return Condition("hung", stuck=f"the main thread has hung for {silence:.0f} s")
        does, vitals = "takes jobs", self._vitals
        if vitals is None:
            return Condition(does)
        if vitals.quiet:
            return Condition(does, vitals.stuck, "quiet: no more jobs are taken")
        unheard = steady() - vitals.heard_at > UNHEARD
        return Condition(does, vitals.stuck, "Redis does not answer" if unheard else "")

    def _take(self, report: bytes) -> None:
        self._report = report

    def _numbers(self) -> tuple[Together, Mapping[str, float]]:
        return self._reports.together({self: self._report}), {}

    def _run(self) -> None:
        while True:
            if self._phase is Phase.READY:
                self._notifier.ready()
            elif self._phase is Phase.STOPPING:
                self._notifier.stopping()
            self._post.look()
            self._post.wait(min(_LOOK, self._notifier.period or _LOOK))
