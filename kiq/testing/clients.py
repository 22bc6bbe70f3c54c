"""What stands in for the client of the process: the same up to the very bytes, no Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import plugin
from ..client import codec_in_use, settings_in_use, sidekiq_in_use
from ..pusher import Pusher
from ..sender import InAsyncio, Load
from .box import PushedJob, pushed_job


class Taking:
    """Hands each job that is pushed to *take*, decoded. What *take* raises is raised.

    Threads: any, if *take* may be called by any.
    """

    in_asyncio: InAsyncio = "aside"
    whole = False

    def __init__(self, take: Callable[[PushedJob], Any]) -> None:
        self._take = take

    def push_one(self, queue: str, raw: bytes, jid: str) -> None:  # noqa: ARG002 (it is in the payload)
        """Take one payload that is due now."""
        self._take(pushed_job(raw, queue, None))

    def push(self, load: Load) -> None:
        """Take payloads."""
        for queue, raws in load.queues.items():
            for raw in raws:
                self._take(pushed_job(raw, queue, None))
        for at, raw in load.scheduled:
            self._take(pushed_job(raw, None, at))


def stand_in(take: Callable[[PushedJob], Any]) -> Pusher:
    """Return what pushes to *take*; codec and limits are those configured."""
    return Pusher(
        Taking(take),
        codec=codec_in_use(),
        sidekiq=sidekiq_in_use(),
        max_payload=settings_in_use().max_payload,
        host=plugin.host,
    )
