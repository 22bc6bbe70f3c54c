"""How far running jobs are, and whether they take longer than their like."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..api import IterationState, Metrics, Work, results
from ..api.home import Connection
from ..errors import KiqError, PayloadError, StoreError, StoreUnavailable
from .fleets import Fleet

_KEEP = 30.0  # seconds
_CLASSES = 50  # that are judged
_FEWEST = 20  # runs of a class by which another is judged
_LATE = 0.95
_JID = re.compile(r"[\w:.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a job is: *share* (0 to 1) where it told how much there is, *left* seconds at that pace."""

    share: float | None
    left: float | None
    words: str


def usual_of(fleet: Fleet, works: Sequence[Work]) -> Mapping[str, float]:
    """Return, by class, in how many seconds 95 % of its runs of the last hour ended.

    Read for all once in half a minute; a class that came meanwhile is not judged until then.
    """
    names = list(dict.fromkeys(work.job.display_class for work in works))[:_CLASSES]
    if not names:
        return {}
    return fleet.look("usual", functools.partial(_usual, fleet.home, names), keep=_KEEP)


def _usual(home: Connection, names: Sequence[str]) -> Mapping[str, float]:
    try:
        jobs = Metrics(home).for_jobs(names, minutes=60)
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # not allowed here
    found: dict[str, float] = {}
    for name, job in jobs.items():
        seconds = job.run_time_percentile(_LATE)
        if seconds is not None and sum(job.histogram) >= _FEWEST:
            found[name] = seconds
    return found


def advances_of(home: Connection, works: Sequence[Work]) -> Mapping[str, Advance]:
    """Return, by jid, how far each job is that tells. Two round trips."""
    jids = [work.jid for work in works if _JID.fullmatch(work.jid)]
    if not jids:
        return {}
    return {**dict(_iterated(home, jids)), **dict(_told(home, jids))}


def _told(home: Connection, jids: Sequence[str]) -> Iterable[tuple[str, Advance]]:
    try:
        found = results(jids, home).progress
    except StoreUnavailable:
        raise
    except KiqError:
        return  # not allowed here, or what another program wrote
    for jid, progress in zip(jids, found, strict=True):
        if progress is not None:
            part = progress.percentage
            yield (
                jid,
                Advance(None if part is None else part / 100, progress.time_left, progress.note),
            )


def _iterated(home: Connection, jids: Sequence[str]) -> Iterable[tuple[str, Advance]]:
    for state in _states(home, jids):
        if state is not None:
            part = state.percentage
            words = "" if part is not None else f"{state.items:,}"
            yield state.jid, Advance(None if part is None else part / 100, state.eta, words)


def _states(home: Connection, jids: Sequence[str]) -> Iterable[IterationState | None]:
    try:
        return IterationState.find_many(jids, home)
    except PayloadError:
        return [_state(home, jid) for jid in jids]  # one that can't be read hides no other
    except StoreUnavailable:
        raise
    except StoreError:
        return ()


def _state(home: Connection, jid: str) -> IterationState | None:
    try:
        return IterationState.find(jid, home)
    except PayloadError:
        return None
