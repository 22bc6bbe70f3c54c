"""Clients that stand in for the one of the process: the same up to the very bytes, no Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .. import plugin
from ..client import Client, Sorted, codec_in_use, settings_in_use, sidekiq_in_use
from ..jid import Jid
from .box import PushedJob, pushed_job


class StandIn(Client):
    """Hands each job that is pushed to *take*, decoded; codec and limits are those configured.

    *real* returns the client whose place it takes. Threads: any, if *take* may be called by any.
    """

    def __init__(self, take: Callable[[PushedJob], Any], real: Callable[[], Client]) -> None:
        # Not through super().__init__: that would make ready to connect.
        self.codec = codec_in_use()
        self.sidekiq = sidekiq_in_use()
        self.max_payload = settings_in_use().max_payload
        self._host = plugin.host
        self._take = take
        self._real = real

    def __getattr__(self, name: str) -> Any:
        # What is not about pushing is the real client's: kiq.api looks at Redis in every mode.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def mark_of(self, jid: str) -> float | None:  # noqa: ARG002 (nothing is cancelled here)
        """Return None."""
        return None

    def push_encoded(self, queue: str, raw: bytes, jid: str) -> str:
        """Take one payload that is due now; see :meth:`kiq.Client.push_encoded`."""
        self._take(pushed_job(raw, queue, None))
        return Jid(jid)

    def push_sorted(self, slices: Iterable[Sorted]) -> list[str | None]:
        """Take payloads; see :meth:`kiq.Client.push_slices`. Raises what *take* raises."""
        jids: list[str | None] = []
        for queues, scheduled, in_slice in slices:
            for queue, raws in queues.items():
                for raw in raws:
                    self._take(pushed_job(raw, queue, None))
            for at, raw in scheduled:
                self._take(pushed_job(raw, None, at))
            jids += in_slice
        return jids
