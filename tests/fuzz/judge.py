"""Where a payload must end: the rules of docs and reference, said once more, without kiq's executor."""

from __future__ import annotations

import re
from typing import Any, Literal

from kiq.codec import decode
from kiq.errors import UndecodablePayload
from tests.fuzz.samples import FAILS, GOOD, PICKY, SERVED

Place = Literal["queue", "retry", "schedule"]
PLACES: tuple[Place, ...] = ("queue", "retry", "schedule")

#: Where a payload was found: run to its end, in the retry set, in the dead set as a job or as bare
#: bytes, dropped because its options said so, in a queue that nobody serves.
Fate = Literal["run", "retry", "dead job", "dead raw", "dropped", "stray"]

_QUEUE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")


def read(raw: bytes) -> dict[str, Any] | None:
    """Return the payload in *raw*; None for what is no job."""
    try:
        return decode(raw)[0]
    except UndecodablePayload:
        return None


def allowed(payload: dict[str, Any] | None, place: Place) -> frozenset[Fate]:
    """Return the fates that a payload may have when it is fed at *place*."""
    if payload is None:
        return frozenset(("dead raw",))
    if place != "queue":
        queue = payload.get("queue", "default")
        if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
            return frozenset(("dead raw",))
        if queue not in SERVED:
            return frozenset(("stray",))
    if _runs(payload):
        return frozenset(("run",))
    if payload.get("retry", True) in _NEVER and _begins(payload):
        return frozenset(("dropped",))
    return frozenset(("retry", "dropped" if payload.get("dead") is False else "dead job"))


class _Never:
    """False and None, but not 0, which means: no retry, then the dead set."""

    def __contains__(self, value: object) -> bool:
        return value is False or value is None


_NEVER = _Never()


def _begins(payload: dict[str, Any]) -> bool:
    """Tell whether the job gets as far as its own code; what does not is kept, whatever its retry says."""
    kwargs = payload.get("kwargs")
    return payload["class"] == FAILS and (not kwargs or isinstance(kwargs, dict))


def _runs(payload: dict[str, Any]) -> bool:
    kwargs = payload.get("kwargs")
    if payload["class"] == GOOD:
        return not kwargs or isinstance(kwargs, dict)
    return payload["class"] == PICKY and len(payload["args"]) == 1 and not kwargs
