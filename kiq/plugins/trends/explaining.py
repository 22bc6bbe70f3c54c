"""What trends say of a job that waits: how fast its queue has been taken from of late."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Reason
from ...clock import wall
from ...wording import rate
from .reader import Trends


def explainer() -> Explainer:
    """Return what ``kiq why`` asks."""
    return Explainer("trends", holds=_holds)


def _holds(asked: Asked) -> Iterator[Reason]:
    if asked.where != "waiting" or not asked.before or asked.queue is None:
        return
    trend = Trends(asked.home).queues.get(asked.queue)
    if trend is None or trend.left <= 0:
        return
    text = f"{rate(trend.leaving_rate)} were taken of the queue lately: it may take so long"
    until = wall() + asked.before / trend.leaving_rate
    yield Reason("rate", text, until=until, stops=False)
