"""Batches in tests: what stands for their part of a push, and for the end of a job, without Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...codec import decode
from ...errors import Discard, Retry, Snooze
from ...sender import Load, Outcome
from .blocks import usual_client
from .callbacks import EVENTS
from .leaving import DEAD, FIELD, GIVEN_UP
from .memory import Remembered, memory

Push = Callable[[Load], object]


class Share(NamedTuple):
    """The part of one batch in a step: *fields* of its record where it begins there."""

    bid: str
    jid: str
    load: Load
    fields: Sequence[Any]
    first: bool
    last: bool


class Trial:
    """A step of batches in a test: what ``open.lua``, ``add.lua`` and ``joined.lua`` do."""

    def __init__(self, shares: Sequence[Share]) -> None:
        """*shares* come with the outermost first."""
        self._shares = shares

    def begin(self) -> str:
        """Let batches begin, and have their jobs; return why not, "" if they may."""
        for share in self._shares:
            if share.first:
                why = memory.begin(remembered(share), share.jid)
            else:
                why = memory.closed(share.bid, share.jid)
            if why:
                return why
            memory.join(share.bid, [str(jid) for jid in share.load.jids if jid is not None])
        return ""

    def end(self, outcomes: Sequence[Outcome | None], push: Push) -> None:
        """Note what was pushed; *outcomes* come with the innermost first."""
        for share, outcome in zip(reversed(self._shares), outcomes, strict=True):
            if outcome is not None:
                memory.part(share.bid, outcome.refused)
            memory.commit(share.bid, share.last)
        deliver(push)


def deliver(push: Push | None = None) -> None:
    """Push the callbacks that are due."""
    while memory.due:
        raw = memory.due.pop(0)
        payload, _ = decode(raw)
        load = Load({payload["queue"]: [raw]}, (), (payload["jid"],))
        (push or usual_client().here().sender.push)(load)


def cancelled(bid: str, why: str) -> bool:
    """Cancel *bid*; tell whether it could be."""
    done = not memory.cancel(bid, why)
    deliver()
    return done


def drops(payload: dict[str, Any]) -> bool:
    """Tell whether the job in *payload* is not run, as its batch is cancelled; the batch is told."""
    bid = payload.get(FIELD)
    if not isinstance(bid, str) or not memory.cancelled(bid):
        return False
    left(payload, GIVEN_UP)
    return True


def left(payload: dict[str, Any], what: str) -> None:
    """Tell the batch of the job in *payload* what that has come to."""
    bid = payload.get(FIELD)
    if isinstance(bid, str) and memory.leave(bid, str(payload["jid"]), what):
        deliver()


@contextmanager
def runs(payload: dict[str, Any]) -> Iterator[None]:
    """Tell the batch of the job in *payload* how the run in this block has ended: there is no retry."""
    try:
        yield
    except (Snooze, Retry):
        raise
    except BaseException as error:
        left(payload, "skipped" if isinstance(error, Discard) else DEAD)
        raise
    left(payload, "done")


def remembered(share: Share) -> Remembered:
    """Return a batch that begins, as it is kept in tests."""
    fields = dict(zip(share.fields[::2], share.fields[1::2], strict=True))
    callbacks = {}
    for event in EVENTS:
        jids = str(fields.get(f"on_{event}", "")).split()
        found = [(jid, fields[f"on_{event}:{at}"]) for at, jid in enumerate(jids, 1)]
        callbacks[event] = found
    return Remembered(share.bid, fields["description"], json.loads(fields["tags"]), callbacks)
