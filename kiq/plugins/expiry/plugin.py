"""The plugin: when a job is pushed, until when it may start; and what is done if it can't."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any

from ... import plugin
from ...clock import wall
from ...middleware import Next, ServerContext
from ...plugin import Guard, Host, Ride, Rider
from ...settled import Settled
from ...verdict import Dropped
from . import keys
from .terms import FIELD, late_by, stamp

logger = logging.getLogger("kiq.expiry")

_MOST = 10_000  # jids of jobs that were late, and are not settled yet
_COUNT = """
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class Expiry:
    """The plugin, and its layer: jobs that never expire cost nothing.

    Threads: those of jobs, and whichever settles.
    """

    name = "expiry"
    payload_field = FIELD

    def __init__(self) -> None:
        self._late: OrderedDict[str, None] = OrderedDict()

    def install(self, host: Host) -> None:
        """Attach the layer, what writes down until when, and what counts."""
        ask = Guard(
            "expiry", guarding=_nothing, check="return nil", stamp=stamp, payload_field=FIELD
        )
        host.guard(ask)
        host.ride(Rider("expiry", lua=_COUNT, releasing=self._counted, payload_field=FIELD))
        host.around_perform(self)

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, unless it is too late for that."""
        late = late_by(context.payload)
        if late is None:
            return call_next(context)
        self._late[context.jid] = None
        while len(self._late) > _MOST:
            self._late.popitem(last=False)
        name = context.payload["class"]
        context.skipped = f"it expired, {late:.1f} s before it could start"
        logger.info("expired: %.1f s too late to start [jid=%s class=%s]", late, context.jid, name)
        return None

    def _counted(self, job: Settled) -> Ride | None:
        if not isinstance(job.verdict, Dropped) or job.jid not in self._late:
            return None
        return Ride([keys.expired(wall())], [str(job.payload["class"]), keys.LIFE])


def attach() -> None:
    """Let pushes of this process say until when, from the first job class or push on that expires."""
    if Expiry.name not in plugin.host.plugins:
        plugin.host.install(Expiry())


def _nothing(_payload: dict[str, Any]) -> None:
    return None
