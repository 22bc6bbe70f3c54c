"""What expiry says of a job: that it is too late for it."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Reason
from .terms import UNTIL, late_by


def explainer() -> Explainer:
    """Return what ``kiq why`` asks."""
    return Explainer("expiry", holds=_holds)


def _holds(asked: Asked) -> Iterator[Reason]:
    if asked.where in ("running", "dead", "nowhere"):
        return
    late = late_by(asked.payload)
    if late is not None:
        yield Reason(
            "expired",
            f"it has expired, {late:.0f} s ago: it is dropped when a process takes it",
        )
    elif _expires_before_it_is_due(asked):
        yield Reason("expires", "it expires before it is due: it will be dropped", stops=False)


def _expires_before_it_is_due(asked: Asked) -> bool:
    until, due = asked.payload.get(UNTIL), asked.score
    if due is None or isinstance(until, bool) or not isinstance(until, int | float):
        return False
    return until < due
