"""What the pages of batches show."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence

from werkzeug.exceptions import NotFound

from ...api import BatchSet, BatchStatus
from ...web import Call, Page, moment_of
from ...wording import visible
from ..asked import page_from, text_of
from .nesting import HEIGHT, WIDTH, nesting_of
from .shown import LISTED, PARTS, bad_of, parts_of, state_of

_MEMBERS = 50


def overview(call: Call) -> Page:
    """Show batches, the newest first, a page of them; the first is read once a second."""
    batches = BatchSet(call.home)
    text, tag, running = text_of(call), text_of(call, "tag"), call.said("running") == "1"
    if text is tag is None and not running and not call.said("from"):
        found = call.fleet.look("batches", batches.page)
    else:
        read = functools.partial(batches.page, tag=tag, text=text, running=running)
        found = page_from(read, call)
    asked = {"q": text or "", "tag": tag or "", "running": "1" if running else ""}
    values = {
        "title": "Batches",
        "found": found,
        "size": call.fleet.look("batches-size", lambda: batches.size),
        "asked": asked,
        "further": {**asked, "from": found.behind},
        "begin": call.said("from"),
        "now": moment_of(call.fleet).at,
        **_words(),
    }
    return Page("batches/list.html", values)


def one(call: Call) -> Page:
    """Show one: its numbers, its jobs of one kind, what it is within and what is within it."""
    batches = BatchSet(call.home)
    status = known(batches, call)
    kind = call.said("kind")
    if kind not in LISTED:
        kind = next((each for each in LISTED if getattr(status, each)), "")
    members = batches.jobs(status.bid, kind) if kind else iter(())
    values = {
        "title": visible(status.description or status.bid),
        "one": status,
        "kind": kind,
        "kinds": {each: getattr(status, each) for each in LISTED if getattr(status, each)},
        "members": list(itertools.islice(members, _MEMBERS)),
        "events": _events(status),
        "nesting": nesting_of(batches, status),
        "box": (WIDTH, HEIGHT),
        "now": moment_of(call.fleet).at,
        "command": f"kiq batches {status.bid}",
        "python": f"kiq.api.BatchSet().find({status.bid!r})",
        **_words(),
    }
    return Page("batches/one.html", values)


def known(batches: BatchSet, call: Call) -> BatchStatus:
    """Return the batch that the URL, or the form, names. Raises NotFound."""
    bid = call.said("bid")
    found = batches.find(bid)
    if found is None:
        raise NotFound(f"there is no batch {visible(bid)!r}: it is over for long, or was forgotten")
    return found


def _words() -> Mapping[str, object]:
    return {"parts_of": parts_of, "state_of": state_of, "bad_of": bad_of, "parts": PARTS}


def _events(status: BatchStatus) -> Sequence[tuple[str, float]]:
    """Return what happened to it, and when, the oldest first."""
    times = {
        "made": status.created_at,
        "a job died": status.death_at,
        "each job has ended once": status.complete_at,
        "cancelled": status.cancelled_at,
        "all have succeeded": status.success_at,
        "over": status.end_at,
    }
    there = [(word, at) for word, at in times.items() if at is not None]
    return sorted(there, key=lambda pair: pair[1])
