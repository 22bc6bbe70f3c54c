"""What needs somebody now: the findings of the doctor, the worst first, and where each leads."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from ..doctor import LEVELS, Finding, examine
from .fleets import Fleet

_KEEP = 10.0  # seconds: the doctor asks some fifty times
#: Check -> the route whose page shows what it is about.
_LEADS = {
    "dead": "dead",
    "died": "running",
    "failing": "failures",
    "growing": "queues",
    "late": "queues",
    "overdue": "scheduled",
    "paused": "queues",
    "processes": "running",
    "queues": "queues",
    "quiet-queue": "queues",
    "retry": "retries",
    "silent": "running",
    "untaken-queue": "queues",
}


@dataclass(frozen=True, slots=True)
class Attention:
    """All that was found: *urgent* dangers and warnings, *notes* good to know, *well* the rest."""

    urgent: Sequence[Finding]
    notes: Sequence[Finding]
    well: Sequence[Finding]
    looked_at: int


def attention_of(fleet: Fleet) -> Attention:
    """Return what needs somebody, at most ten seconds old. Some fifty round trips; raises StoreError."""
    found = fleet.look("attention", functools.partial(_read, fleet), keep=_KEEP)
    ranked = sorted(found, key=lambda finding: -LEVELS.index(finding.level))
    return Attention(
        [each for each in ranked if each.level in ("danger", "warning")],
        [each for each in ranked if each.level == "note"],
        [each for each in ranked if each.level == "ok"],
        len(found),
    )


def _read(fleet: Fleet) -> list[Finding]:
    # A page only reads, and this user may be allowed no more.
    return list(examine(fleet.home, fleet.config, only_look=True))


def leads_to(finding: Finding) -> str:
    """Return the name of the route that shows what a finding is about; "" where there is none."""
    return _LEADS.get(finding.check, "")
