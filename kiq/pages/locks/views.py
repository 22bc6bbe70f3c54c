"""What the page of locks shows, and what its buttons do."""

from __future__ import annotations

from ...api import Lock, LockSet
from ...clock import steady
from ...web import Call, Done, Page, moment_of
from ...wording import counted, visible
from ..asked import page_from, text_of

_SLICE = 500
_LONGEST = 10.0  # seconds that the freeing of all may take: the browser waits for it


def overview(call: Call) -> Page:
    """Show the locks that are held, the oldest first, a page of them; the first is read once a second."""
    locks, text = LockSet(call.home), text_of(call)
    if text is None and not call.said("from"):
        found = call.fleet.look("locks", locks.page)
    else:
        found = page_from(lambda begin: locks.page(begin, text=text), call)
    values = {
        "title": "Locks",
        "found": found,
        "size": call.fleet.look("locks-size", lambda: locks.size),
        "text": text or "",
        "begin": call.said("from"),
        "now": moment_of(call.fleet).at,
    }
    return Page("locks/list.html", values)


def free(call: Call) -> Done:
    """Free a lock, if it is still that job's and was not touched since; its job stays where it is."""
    lock = Lock(call.said("name"), call.said("jid"), "", "", "", 0.0, None, call.said("moved"))
    done = LockSet(call.home).free(lock)
    words = (
        "the lock of {jid} is free" if done else "failed: the lock of {jid} was not freed: {why}"
    )
    why = call.locale.text("it is free, another's, or its job has gone on meanwhile")
    told = call.locale.text(words, jid=visible(lock.jid), why=why)
    return Done(told, "locks", {"q": call.said("q")})


def confirm(call: Call) -> Page:
    """Ask before all locks are freed: a page of its own, which no refresh replaces."""
    return Page("locks/clear.html", {"title": "Locks", "size": LockSet(call.home).size})


def clear(call: Call) -> Done:
    """Free all locks, for ten seconds at most; what is left is told, and is freed by doing it again."""
    locks, until, freed = LockSet(call.home), steady() + _LONGEST, 0
    begin: str | None = ""
    while begin is not None and steady() < until:
        page = locks.page(begin, limit=_SLICE)
        freed += locks.free_all(page.found)
        begin = page.behind
    words, left = f"freed {counted(freed, 'lock')}", locks.size
    if left:
        words += f", {left:,} are left: others came, or the time was over"
    return Done(words, "locks")
