"""What cancelling says of a job: that somebody has cancelled it."""

from __future__ import annotations

from collections.abc import Iterator

from ... import keys
from ...api import Asked, Explainer, Reason
from ...clock import wall
from ...payload import UNCANCELLED


def explainer() -> Explainer:
    """Return what ``kiq why`` asks."""
    return Explainer("cancelling", holds=_holds)


def _holds(asked: Asked) -> Iterator[Reason]:
    if asked.where in ("dead", "nowhere"):
        return
    mark = asked.call(("ZSCORE", keys.CANCELLED, asked.jid))
    if mark is None or float(mark) <= wall():
        return
    but = asked.payload.get(UNCANCELLED)
    if isinstance(but, int | float) and float(mark) <= but:
        return  # somebody wanted it to run, after that
    does = "it is interrupted where it runs" if asked.where == "running" else "it is dropped unrun"
    yield Reason("cancelled", f"somebody has cancelled it: {does}", until=float(mark))
