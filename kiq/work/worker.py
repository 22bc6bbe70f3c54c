"""The worker process as its parts see it: who it is, what it was told, what it attaches to."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from ..clock import steady, wall
from ..config import Config
from ..events import REVERSED
from ..kept import Threads
from ..plugin import Host, Service
from ..registry import Registry
from ..riders import Riders
from ..store.connection import Connector
from ..store.flight import DeadLimits
from ..worker_state import WorkerState
from .deadline import Deadline
from .errands import Errands
from .notices import Notices
from .outage import Trouble
from .owner import Owner
from .suspects import Isolation

#: Of the lease, this share is not used: clocks drift, and a job needs a moment to begin.
_MARGIN = 0.10


def new_identity() -> str:
    """Return a name for this process that no other has had: ``hostname:pid:nonce``."""
    host = os.environ.get("DYNO") or socket.gethostname()
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in host) or "unknown"
    return f"{safe}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


class Owners:
    """The owners that this process is at present: each capsule, and the poller.

    Threads: couriers and the poller add and remove; the heartbeat reads. The lock joins them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[str, Owner] = {}

    def add(self, owner: Owner) -> None:
        """Begin to renew the lease of *owner*."""
        with self._lock:
            self._active[owner.name] = owner

    def remove(self, owner: Owner) -> None:
        """Stop renewing the lease of *owner*."""
        with self._lock:
            self._active.pop(owner.name, None)

    def active(self) -> dict[str, Owner]:
        """Return the owners whose leases are to be renewed."""
        with self._lock:
            return dict(self._active)


@dataclass(slots=True)
class Worker:
    """What every part of a worker process shares. Built by the launcher, after any fork.

    *facts* stand in the record of each owner: what proves its death on this machine.
    """

    config: Config
    host: Host
    registry: Registry
    connector: Connector
    version: str
    identity: str = field(default_factory=new_identity)
    facts: dict[str, Any] = field(default_factory=dict)
    state: WorkerState = field(default_factory=WorkerState)
    threads: Threads = field(default_factory=Threads)
    services: list[Service] = field(default_factory=list)  # of features, written by the launcher
    owners: Owners = field(default_factory=Owners)
    isolation: Isolation = field(default_factory=Isolation)
    errands: Errands = field(default_factory=Errands)
    deadline: Deadline = field(default_factory=Deadline)
    trouble: Trouble = field(default_factory=Trouble)
    started_at: float = field(default_factory=wall)
    fleet: int = 1  # owners in all processes; written by the heartbeat
    beaten_at: float = float("-inf")  # when the last good beat was sent; written by the heartbeat
    round_trip: float = 0.0  # seconds that the last good beat took; written by the heartbeat
    reclaimed: int = 0  # jobs of dead processes that were given back; written by the reclaimer
    notices: Notices = field(init=False)
    riders: Riders = field(init=False)

    def __post_init__(self) -> None:
        self.notices = Notices(self.host, self.errands, self.report)
        self.riders = Riders(self.host, self.report)

    @property
    def lease(self) -> float:
        """Seconds that an owner counts as alive after a beat."""
        return self.config.lease

    @property
    def beats(self) -> bool:
        """Whether its leases are renewed."""
        return steady() < self.good_until(self.beaten_at)

    @property
    def dead_limits(self) -> DeadLimits:
        """How many jobs the dead set keeps, and for how long."""
        return DeadLimits(self.config.dead_max_jobs, self.config.dead_timeout)

    def good_until(self, sent_at: float) -> float:
        """Return until when jobs may start after a beat that was sent at *sent_at* (steady clock)."""
        return sent_at + self.config.lease * (1 - _MARGIN)

    def report(self, error: BaseException, context: dict[str, Any]) -> None:
        """Report an error that one of kiq's own threads met: it does not wait for users' handlers."""
        self.host.report(error, context, self.errands.call)

    def tell(self, event: str) -> None:
        """Call the handlers of *event* soon, in their order; what they raise is reported."""

        def failed(error: BaseException) -> None:
            self.host.report(error, {"event": event})

        own = [getattr(service, event, None) for service in self.services]
        of_services = [method for method in own if method is not None]
        if event in REVERSED:
            of_services.reverse()
        for handler in (*self.host.events.handlers(event), *of_services):
            if event != "beat" or not self.errands.waits_for(handler):
                self.errands.call(event, handler, failed=failed)

    def new_owner(self, part: str) -> str:
        """Return a name for an owner that no owner has had."""
        host, pid, _ = self.identity.rsplit(":", 2)
        return f"{host}:{pid}:{uuid.uuid4().hex[:12]}:{part}"
