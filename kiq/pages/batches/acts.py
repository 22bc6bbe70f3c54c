"""What is done to batches: cancelled, after a page that asks; forgotten, when they are over."""

from __future__ import annotations

import shlex

from ...api import BatchSet
from ...web import Call, Done, Page
from ...wording import visible
from .views import known

_WHY = 200  # characters


def confirm(call: Call) -> Page:
    """Ask before a batch is cancelled, and say what that means: a page of its own."""
    one = known(BatchSet(call.home), call)
    values = {
        "title": "Batches",
        "one": one,
        "command": f"kiq batches {shlex.quote(one.bid)} --cancel",
        "python": f"kiq.api.BatchSet().cancel({one.bid!r})",
    }
    return Page("batches/cancel.html", values)


def cancel(call: Call) -> Done:
    """Cancel a batch and what is within it: of its jobs none starts, and those that run are told to end."""
    batches = BatchSet(call.home)
    one = known(batches, call)
    why = call.fields.get("why", "")[:_WHY]  # typed by a person: no hidden field
    done = batches.cancel(one.bid, why)
    words = "{name} is cancelled" if done else "failed: {name} was over, or cancelled before"
    return _told(call, words, one.description or one.bid, one.bid)


def forget(call: Call) -> Done:
    """Forget a batch that is over; its jobs stay where they are."""
    batches = BatchSet(call.home)
    one = known(batches, call)
    if not batches.delete(one.bid):
        return _told(call, "failed: {name} is not over", one.description or one.bid, one.bid)
    told = call.locale.text("{name} is forgotten", name=visible(one.description or one.bid))
    return Done(told, "batches")


def _told(call: Call, words: str, name: str, bid: str) -> Done:
    return Done(call.locale.text(words, name=visible(name)), "batches.one", {"bid": bid})
