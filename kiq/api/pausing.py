"""Who paused a queue, and why: a note beside the set of paused queues, which Sidekiq knows."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..clock import wall
from . import shown
from .home import Connection

#: Hash: name of a paused queue -> when, by whom, why.
NOTES = "kiq:paused-by"
_LONGEST = 200  # characters


class PauseNote(NamedTuple):
    """When a queue was paused (epoch seconds), by whom, and why; "" where that was not said."""

    at: float
    by: str
    reason: str


def noted(by: str, reason: str) -> str:
    """Return the note as it is kept; "" where nothing is said."""
    return json.dumps([wall(), by[:_LONGEST], reason[:_LONGEST]]) if by or reason else ""


def note_of(home: Connection, queue: str) -> PauseNote | None:
    """Return what was noted when *queue* was paused; None for nothing. One round trip."""
    raw: Any = home.call(("HGET", NOTES, queue))
    try:
        at, by, reason = json.loads(raw or b"")
    except (ValueError, TypeError, RecursionError):
        return None
    return PauseNote(shown.number(at), shown.text(by), shown.text(reason))
