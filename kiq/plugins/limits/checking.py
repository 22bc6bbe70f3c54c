"""What ``kiq verify`` looks at: slots of deliveries that are over, and jobs in line that are nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from ...plugin import Check, Doubt, Survey
from . import keys as own
from .asking import leaving
from .sweep import whether_in_flight
from .terms import Held

_WORKERS = "workers do it within ten seconds, if any of them runs"


def check() -> Check:
    """Return the check."""
    return Check("limits", _look)


def _look(survey: Survey) -> Iterator[Doubt]:
    for raw in survey.call(("ZRANGE", own.LIMITS, 0, -1)):
        name = raw.decode(errors="replace")
        inside, line, *_ = own.of(name)
        if name.startswith("concurrent:"):
            yield from _slots(survey, name, inside)
        yield from _in_line(survey, name, line)


def _slots(survey: Survey, name: str, inside: str) -> Iterator[Doubt]:
    for holder in survey.call(("ZRANGE", inside, 0, -1)):
        question = whether_in_flight(holder)
        if question is not None and not survey.call(question):
            jid = holder.decode(errors="replace").split("\n")[1]
            yield Doubt(
                f"limit {name}",
                f"a slot is held by a delivery of {jid} that is over",
                leaving([Held(name, "")], jid, holder, "keep"),
                _WORKERS,
            )


def _in_line(survey: Survey, name: str, line: str) -> Iterator[Doubt]:
    for member in survey.call(("ZRANGE", line, 0, -1)):
        jid = member.decode(errors="replace")
        if not jid.startswith("w:") and not survey.knows(jid):
            yield Doubt(
                f"limit {name}",
                f"the job {jid} stands in line, and is nowhere",
                leaving([Held(name, "")], jid, "", "over"),
                "it is passed by when its turn comes",
            )
