"""What results say of a job: what it came to, or how far it is."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Known
from .reader import seen
from .record import Outcome


def explainer() -> Explainer:
    """Return what ``kiq find`` asks."""
    return Explainer("results", knows=_knows)


def _knows(asked: Asked) -> Iterator[Known]:
    if asked.home is None:
        return
    (what,) = seen(asked.home, [asked.jid])
    outcome, underway = what.outcome, what.underway
    if outcome is not None:
        ended = outcome.status if asked.where == "nowhere" else ""
        yield Known(_said(outcome), outcome.ended_at, ended)
    elif what.gone:
        yield Known(f"it has ended; {what.gone}", ended="ended" if asked.where == "nowhere" else "")
    if underway is not None and underway.progress is not None:
        far = underway.progress
        of = f" of {far.total:g}" if far.total is not None else ""
        note = f", {far.note}" if far.note else ""
        yield Known(f"attempt {far.attempt} said: {far.done:g}{of}{note}", far.at)


def _said(outcome: Outcome) -> str:
    if outcome.status != "done":
        return str(outcome.failure()).partition(") ")[2]
    return "it is done" + ("" if outcome.kept else f"; its result is not kept: {outcome.why}")
