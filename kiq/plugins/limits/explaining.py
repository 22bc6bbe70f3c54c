"""Which limit holds a job: for ``kiq why``."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Reason
from .reader import LimitSet, LimitState
from .terms import limits_of


def explainer() -> Explainer:
    """Return what limits say of jobs."""
    return Explainer("limits", holds=_holds)


def _holds(asked: Asked) -> Iterator[Reason]:
    if asked.home is None or asked.where not in ("scheduled", "waiting", "fetched", "retrying"):
        return
    limits = LimitSet(asked.home)
    names = [held.id for held in limits_of(asked.payload)]
    for state in limits.states(names):
        before = limits.place(state.id, asked.jid)
        if before is None and not state.full:
            continue
        in_line = "" if before is None else f", {before} jobs are before it"
        holder = next((each.jid for each in limits.holders(state.id) if each.jid), "")
        yield Reason(
            "limit",
            f"its limit {state.id.rstrip(':')} is reached: {said(state)}{in_line}",
            f"kiq limits show {state.id.rstrip(':')}",
            holder if state.kind == "concurrent" else "",
            state.room_at if before is None else None,
            stops=before is not None,
        )


def said(state: LimitState) -> str:
    """Say how full *state* is."""
    if state.closed_until is not None:
        return "it is closed, as an API has said that it is too much"
    span = "" if not state.per else f" in {state.per:g} s"
    return f"{state.used:.3g} of {state.size}{span}"
