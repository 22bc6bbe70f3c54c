"""Queues: how long, how late, where they are heading, who takes them; one queue with its jobs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import PauseNote, Queue, QueueSummary, Trend, can_undo
from ...wording import counted, visible
from ..answers import Done, Page
from ..calls import Call
from ..contents import contents_of, notes_of
from ..moments import Moment, moment_of
from ..periods import SHARES
from ..rows import rows_of

_PAGE = 25
NOTHING_NOTED: Mapping[str, PauseNote | None] = {}
_EFFECT = 90.0  # seconds after a pause: what was taken within the minute before the pause is over
_DEEPEST = 1000  # jobs that a page may begin behind: Redis walks them


@dataclass(frozen=True, slots=True)
class Line:
    """A queue as the page shows it. *takers* is how many processes take from it."""

    summary: QueueSummary
    trend: Trend | None
    takers: int
    share: float  # of the longest queue, 0 to 1
    sizes: Sequence[int] = ()  # of the last ten minutes
    note: PauseNote | None = None

    @property
    def state(self) -> str:
        """``paused``, ``untaken`` (jobs wait, and no process takes them), ``growing`` or ""."""
        if self.summary.paused:
            return "paused"
        if not self.takers and self.summary.size:
            return "untaken"
        return "growing" if self.trend and self.trend.direction == "growing" else ""

    def still_left(self, at: float) -> int:
        """Return how many jobs were taken within the minute before *at*, paused as it was."""
        if self.trend is None or self.note is None or at - self.note.at < _EFFECT:
            return 0
        return self.trend.left_lately


def lines_of(moment: Moment, notes: Mapping[str, PauseNote | None] = NOTHING_NOTED) -> list[Line]:
    """Return all queues, the longest first; *notes* are what was noted of those that are paused."""
    longest = max((each.size for each in moment.queues), default=0) or 1
    return [
        Line(
            each,
            moment.trends.get(each.name),
            moment.takers.get(each.name, 0),
            each.size / longest,
            moment.sizes.get(each.name, ()),
            notes.get(each.name),
        )
        for each in moment.queues
    ]


def queues(call: Call) -> Page:
    """Show all queues."""
    moment = moment_of(call.fleet)
    lines = lines_of(moment, notes_of(call.fleet, moment))
    return Page("queues.html", {"title": "Queues", "lines": lines, "at": moment.at})


def queue(call: Call) -> Page:
    """Show one queue and its jobs, the oldest first, a page of them. Two round trips."""
    name, moment = call.said("name"), moment_of(call.fleet)
    lines = lines_of(moment, notes_of(call.fleet, moment))
    line = next((each for each in lines if each.summary.name == name), None)
    if line is None:
        raise NotFound(f"there is no queue {visible(name)!r}: it never got a job, or was cleared")
    start = call.number("start", 0, 0, _DEEPEST)
    found = iter(_queue(call, name))
    jobs = list(itertools.islice(found, start, start + _PAGE + 1))
    values = {
        "title": name,
        "line": line,
        "jobs": rows_of(jobs[:_PAGE], call.visitor),
        "start": start,
        "next": start + _PAGE if len(jobs) > _PAGE and start < _DEEPEST else None,
        "before": max(0, start - _PAGE) if start else None,
        "processes": [each for each in moment.processes if name in each.queues],
        "contents": contents_of(call.fleet, name),
        "shares": SHARES,
        "at": moment.at,
    }
    return Page("queue.html", values)


def confirm_clear(call: Call) -> Page:
    """Ask before a queue is cleared: a page of its own, which no refresh replaces."""
    name = call.said("name")
    found = _queue(call, name)
    first, size = next(iter(found), None), found.size
    back = can_undo(size, [first.raw] if first else (), at_once=True) or not size
    return Page("queue_clear.html", {"title": name, "name": name, "size": size, "back": back})


def pause(call: Call) -> Done:
    """Let no process take from a queue."""
    found = _queue(call, call.said("name"))
    was_running = found.pause(by=call.visitor.name, reason=call.said("reason").strip())
    words = "paused {name}" if was_running else "{name} was paused already"
    return Done(call.locale.text(words, name=visible(found.name)), "queues")


def unpause(call: Call) -> Done:
    """Let processes take from a queue again."""
    found = _queue(call, call.said("name"))
    was_paused = found.unpause()
    words = "{name} is taken again" if was_paused else "{name} was not paused"
    return Done(call.locale.text(words, name=visible(found.name)), "queues")


def clear(call: Call) -> Done:
    """Delete all jobs of a queue."""
    found = _queue(call, call.said("name"))
    deleted = found.clear()
    return Done(f"{visible(found.name)}: deleted {counted(deleted, 'job')}", "queues")


def _queue(call: Call, name: str) -> Queue:
    """Return a queue that is there, whatever its name: another program may have made it."""
    there = {each.name: each for each in Queue.all(call.home)}
    taken = moment_of(call.fleet).takers
    if name not in there and name not in taken:
        raise NotFound(f"there is no queue {visible(name)!r}")
    return there.get(name) or Queue(name, call.home)
