"""Jobs whose bytes break each connection that is to bring them: to the dead set, unread."""

from __future__ import annotations

import logging

from ..clock import wall
from ..config import Config
from ..errors import StoreUnavailable
from ..store import flight, held
from ..store.connection import Link
from ..verdict import Flight, Taken, ToDead
from .reply_size import ADVICE, HARMLESS

logger = logging.getLogger("kiq.redis")

TRIES = 5  # connections that a job alone may break before it is set aside


def set_aside(link: Link, source: Flight, delivery: str, size: int, config: Config) -> None:
    """Move a job that can't be read here to the dead set, unread: nobody else could read it either."""
    reason = f"its {size} bytes did not arrive in {TRIES} attempts: {ADVICE}, then retry it"
    logger.error("a job of %s goes to the dead set unread: %s", source.source, reason)
    taken, verdict = Taken(delivery, source, b"", 0.0), ToDead(b"", wall(), reason, ran=False)
    limits = flight.DeadLimits(config.dead_max_jobs, config.dead_timeout)
    link.call(flight.move_command((taken, verdict), wall(), limits))


def set_aside_unreadable(link: Link, source: Flight, spare: Link, config: Config) -> None:
    """Set aside those jobs in flight from *source* that can't be read, each alone; the largest tells.

    *spare* is another connection, to be broken. Raises StoreError.
    """
    ids = [delivery.decode() for delivery in link.call(("HKEYS", source.key))]
    sizes = dict(zip(ids, held.sizes(link, source, ids), strict=True)) if ids else {}
    for delivery in sorted(ids, key=lambda id_: -sizes[id_]):
        if sizes[delivery] <= HARMLESS or _passes(spare, source, delivery):
            return
        set_aside(link, source, delivery, sizes[delivery], config)


def _passes(spare: Link, source: Flight, delivery: str) -> bool:
    for _ in range(TRIES):
        spare.call(("HSTRLEN", source.key, delivery))  # so that it is not Redis that is away
        try:
            spare.call(("HMGET", source.key, delivery))
            return True
        except StoreUnavailable:
            continue
    return False
