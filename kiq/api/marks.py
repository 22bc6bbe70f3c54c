"""Marks of cancelled jobs, as far as who runs such a job again must know them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import keys
from ..errors import StoreError, StoreUnavailable
from .home import Connection


def are_there(home: Connection) -> bool:
    """Tell whether any job is marked as cancelled. One round trip."""
    (count,) = home.replies((("ZCARD", keys.CANCELLED),))
    if isinstance(count, StoreUnavailable):
        raise count
    return not isinstance(count, StoreError) and count > 0


def of(home: Connection, jids: Sequence[str]) -> dict[str, float]:
    """Return the score of the mark of each of *jids* that is marked. One round trip.

    Marks that this user may not read, or a key of another type, are none.
    """
    named = [jid for jid in jids if jid]
    if not named:
        return {}
    (scores,) = home.replies((("ZMSCORE", keys.CANCELLED, *named),))
    if isinstance(scores, StoreUnavailable):
        raise scores
    if isinstance(scores, StoreError):
        return {}
    return {
        jid: float(score) for jid, score in zip(named, scores, strict=True) if score is not None
    }
