"""Failures: what waits for a retry and what is dead, in groups of one class, one error, one message."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...api import Deploy, FailureGroup, FailureGroups, count_failures, failure_groups
from ...errors import StoreError, StoreUnavailable
from ..answers import Page
from ..calls import Call
from ..moments import moment_of

_KEEP = 5.0  # seconds of the sample
_SHOWN = 100  # groups
_BACK = timedelta(days=14)  # deploys that are looked for
_SOON = timedelta(hours=3)  # after a deploy: what begins then may be its doing


@dataclass(frozen=True, slots=True)
class Line:
    """A group as the page shows it; *deploy* is the label of the one after which it began, or ""."""

    group: FailureGroup
    deploy: str


def failures(call: Call) -> Page:
    """Show the groups, the largest first: of a sample at once, of all when they were counted."""
    fleet = call.fleet
    found = fleet.look("groups", functools.partial(failure_groups, fleet.home), keep=_KEEP)
    counted = None
    if not found.exact:
        counted = fleet.background_look("count", functools.partial(count_failures, fleet.home))
    shown = counted if counted is not None and counted.exact else found
    deploys = fleet.look("deploys", functools.partial(_deploys, call), keep=_KEEP)
    values = {
        "title": "Failures",
        "lines": [Line(group, _began_after(group, deploys)) for group in shown.groups[:_SHOWN]],
        "found": shown,
        "more": max(0, len(shown.groups) - _SHOWN),
        "progress": _progress(counted, shown),
        "at": moment_of(fleet).at,
    }
    return Page("failures.html", values)


def _progress(counted: FailureGroups | None, shown: FailureGroups) -> float | None:
    """Return which part of all jobs was counted, while they are; None: no need to."""
    if shown.exact:
        return None
    return counted.looked_at / counted.total if counted is not None and counted.total else 0.0


def _deploys(call: Call) -> Mapping[datetime, str]:
    now = datetime.now(UTC)
    try:
        return Deploy(call.home).between(now - _BACK, now)
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # not allowed here


def _began_after(group: FailureGroup, deploys: Mapping[datetime, str]) -> str:
    if group.first is None:
        return ""
    first = datetime.fromtimestamp(group.first, UTC)
    # A mark is of a minute, and may have been set as late as its end.
    before = [at for at in deploys if at <= first + timedelta(minutes=1) and first - at < _SOON]
    return deploys[max(before)] if before else ""
