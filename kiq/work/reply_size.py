"""How many bytes of jobs one reply may bring: fewer where replies of that size do not arrive. Pure.

A Redis with a small ``client-output-buffer-limit`` closes the connection of whoever asks for more than
that, after it has done what it was asked. Asking for the same bytes again would go on for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..store.flight import MAX_BYTES
from ..store.held import HARMLESS as HARMLESS

logger = logging.getLogger("kiq.redis")

_GROW_AFTER = 30.0  # seconds after which twice as much is tried
ADVICE = "raise Redis's client-output-buffer-limit (CONFIG SET client-output-buffer-limit 'normal 0 0 0')"


class ReplySize:
    """What a capsule asks for at once, in bytes; times are of the steady clock.

    The first connection that breaks under a reply proves nothing: any may. When the same jobs break the
    next one too, replies shrink to a quarter. Threads: who leads.
    """

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = self._bytes = most
        self._changed_at = 0.0
        self._asking = False
        self._broken = 0  # connections in a row that broke while jobs were under way

    @property
    def limit(self) -> int:
        """Bytes that a reply may bring at present; a single larger job is asked for all the same."""
        return self._bytes

    def ask(self, now: float) -> int:
        """Note that jobs are asked for; return how many bytes of them the reply may bring."""
        if self._bytes < self._most and now - self._changed_at >= _GROW_AFTER:
            self._bytes = min(self._most, self._bytes * 2)
            self._changed_at = now
        self._asking = True
        return self._bytes

    def arrived(self, jobs: int) -> None:
        """Note that the reply came, with so many jobs."""
        self._asking = False
        if jobs:
            self._broken = 0

    def lost(self, now: float) -> bool:
        """Note that the connection broke; return whether jobs were under way."""
        if not self._asking:
            return False
        self._asking = False
        self._broken += 1
        if self._broken < 2 or self._bytes == 1:
            return True
        self._bytes = max(1, self._bytes // 4)
        self._changed_at = now
        logger.warning(
            "the connection broke again while jobs were read: asking for %d bytes at a time; "
            "if this goes on, %s",
            self._bytes,
            ADVICE,
        )
        return True


def pieces(ids: Sequence[str], sizes: Sequence[int], limit: int) -> list[list[str]]:
    """Return *ids* in pieces of *limit* bytes at most; what is larger is a piece of its own."""
    result: list[list[str]] = []
    room = 0
    for id_, size in zip(ids, sizes, strict=True):
        if not result or size > room:
            result.append([])
            room = limit
        result[-1].append(id_)
        room -= size
    return result
