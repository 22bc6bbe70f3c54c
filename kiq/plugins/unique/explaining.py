"""What unique jobs say of one: which lock it has, and which other job has the one that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Known, Reason
from ...store.scripts import Command
from . import keys as own
from .terms import Terms, terms_of


def explainer() -> Explainer:
    """Return what ``kiq find`` and ``kiq why`` ask."""
    return Explainer("unique", knows=_knows, holds=_holds)


def _holder(asked: Asked, name: str) -> tuple[str, float]:
    """Return the jid of the job that has the lock *name* ("": none), and since when."""
    command: Command = ("HMGET", own.lock(name), "jid", "since")
    jid, since = asked.call(command)
    return (jid or b"").decode(errors="replace"), float(since or 0)


def _knows(asked: Asked) -> Iterator[Known]:
    terms = terms_of(asked.payload)
    if terms is None:
        return
    for name in _locks(terms):
        holder, since = _holder(asked, name)
        if holder == asked.jid:
            kind = "while_executing" if name != terms.key else terms.lock
            yield Known(f"has the lock {kind} of unique jobs", since)


def _locks(terms: Terms) -> list[str]:
    run = [own.run_name(terms.key)] if terms.runs_alone else []
    return [terms.key, *run] if terms.waits else run


def _holds(asked: Asked) -> Iterator[Reason]:
    terms = terms_of(asked.payload)
    if terms is None or asked.where in ("running", "dead", "nowhere"):
        return
    if asked.call(("ZSCORE", own.REPLACED, asked.jid)) is not None:
        yield Reason("replaced", "a later push has replaced it: it is dropped when it would start")
        return
    if terms.runs_alone:
        yield from _blocked(asked, own.run_name(terms.key), "runs")
    if terms.waits and asked.where in ("scheduled", "retrying"):
        yield from _blocked(asked, terms.key, "is there")


def _blocked(asked: Asked, name: str, does: str) -> Iterator[Reason]:
    holder, _ = _holder(asked, name)
    if holder and holder != asked.jid:
        text = f"it is unique, and the same job {does}: {holder}"
        yield Reason("lock", text, f"kiq why {holder}", holder)
