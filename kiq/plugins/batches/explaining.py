"""What batches say of a job: whose it is, how far that is, and that it was cancelled."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Known, Reason
from . import callbacks, keys
from .leaving import FIELD
from .reader import BatchStatus, statuses


def explainer() -> Explainer:
    """Return what ``kiq find`` and ``kiq why`` ask."""
    return Explainer("batches", knows=_knows, holds=_holds)


def _knows(asked: Asked) -> Iterator[Known]:
    called = asked.payload.get(callbacks.FIELD)
    if isinstance(called, dict) and isinstance(called.get("bid"), str):
        yield Known(f"is the callback {called.get('event')} of the batch {called['bid']}")
    bid = _bid(asked)
    if not bid:
        return
    one = _status(asked, bid)
    if one is None:
        yield Known(f"is of the batch {bid}, which nobody knows any more")
    else:
        yield Known(f"is of the batch {_name(one)}: {_far(one)}", one.created_at)


def _holds(asked: Asked) -> Iterator[Reason]:
    bid = _bid(asked)
    if not bid or asked.where in ("running", "dead", "nowhere"):
        return
    for each in keys.lineage(bid):
        one = _status(asked, each)
        if one is not None and one.cancelled_at is not None:
            why = f" ({one.why})" if one.why else ""
            text = f"its batch {_name(one)} was cancelled{why}: it is dropped when it would start"
            yield Reason("batch_cancelled", text, f"kiq batches {each}")
            return


def _bid(asked: Asked) -> str:
    bid = asked.payload.get(FIELD)
    return bid if isinstance(bid, str) and not keys.too_deep(bid) else ""


def _status(asked: Asked, bid: str) -> BatchStatus | None:
    return None if asked.home is None else statuses(asked.home, [bid])[0]


def _name(one: BatchStatus) -> str:
    return f"{one.bid} ({one.description})" if one.description else one.bid


def _far(one: BatchStatus) -> str:
    ended = one.total - one.pending - one.retrying
    return f"{one.state}, {ended:,} of {one.total:,} jobs have ended"
