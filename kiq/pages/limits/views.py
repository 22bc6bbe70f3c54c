"""What the pages of limits show, and what their button does."""

from __future__ import annotations

import shlex

from werkzeug.exceptions import NotFound

from ...api import LimitSet, LimitState
from ...web import Call, Done, Page
from ...wording import visible
from ..asked import page_from, text_of

_HOLDERS = 100
_LINE = 50


def overview(call: Call) -> Page:
    """Show those in use, the last used first, a page of them; the first is read once a second."""
    limits, text = LimitSet(call.home), text_of(call)
    if text is None and not call.said("from"):
        found = call.fleet.look("limits", limits.page)
    else:
        found = page_from(lambda begin: limits.page(begin, text=text), call)
    values = {
        "title": "Limits",
        "found": found,
        "size": call.fleet.look("limits-size", lambda: limits.size),
        "text": text or "",
        "begin": call.said("from"),
    }
    return Page("limits/list.html", values)


def one(call: Call) -> Page:
    """Show one: its numbers, who is in it, who waits longest. Three round trips."""
    limits = LimitSet(call.home)
    state = _known(limits, call)
    quoted = shlex.quote(state.id)
    values = {
        "title": visible(state.id.removesuffix(":")),
        "state": state,
        "holders": limits.holders(state.id, _HOLDERS),
        "line": limits.waiting(state.id, _LINE),
        "command": f"kiq limits show {quoted}",
        "python": f"kiq.api.LimitSet().get({state.id!r})",
    }
    return Page("limits/one.html", values)


def confirm(call: Call) -> Page:
    """Ask before a limit is opened: a page of its own, which no refresh replaces."""
    state = _known(LimitSet(call.home), call)
    quoted = shlex.quote(state.id)
    values = {
        "title": "Limits",
        "state": state,
        "command": f"kiq limits reset {quoted}",
        "python": f"kiq.api.LimitSet().reset({state.id!r})",
    }
    return Page("limits/reset.html", values)


def reset(call: Call) -> Done:
    """Open a limit, and forget what it counted; slots of jobs that run stay theirs."""
    limits = LimitSet(call.home)
    state = _known(limits, call)
    done = limits.reset(state.id)
    words = "{name} is open" if done else "failed: {name} is not known any more"
    told = call.locale.text(words, name=visible(state.id.removesuffix(":")))
    return Done(told, "limits.one", {"id": state.id})


def _known(limits: LimitSet, call: Call) -> LimitState:
    name = call.said("id")
    state = limits.get(name) if name.count(":") >= 2 else None
    if state is None:
        raise NotFound(f"there is no limit {visible(name)!r}: it was never used, or not for long")
    return state
