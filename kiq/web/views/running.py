"""Running: the processes, and the jobs that they run at this moment."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import ProcessSet, Work, WorkSet
from ...errors import StoreError, StoreUnavailable
from ...wording import visible
from ..advances import Advance, advances_of, usual_of
from ..answers import Done, Page
from ..calls import Call
from ..families import crews_of, families_of, tasks_of
from ..moments import moment_of
from ..rows import Row, rows_of

_MOST = 200  # jobs of the page
_KEEP = 5.0  # seconds: who does what for the fleet seldom changes


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs: where, for how many seconds, in how many 95 % of its class ended, how far it is."""

    work: Work
    row: Row
    elapsed: float
    usual: float | None
    advance: Advance | None

    @property
    def is_long(self) -> bool:
        """Whether it runs for longer than nearly all of its class did."""
        return self.usual is not None and self.elapsed > max(1.0, self.usual)


def running(call: Call) -> Page:
    """Show processes and running jobs."""
    moment = moment_of(call.fleet)
    works = call.fleet.look("works", lambda: list(WorkSet(call.home)))
    homes = {process.identity: process for process in moment.processes}
    values = {
        "title": "Running",
        "groups": families_of(moment.processes),
        "crews_of": crews_of,
        "jobs": _running(call, works[:_MOST]),
        "more": max(0, len(works) - _MOST),
        "homes": homes,
        "tasks": call.fleet.look("tasks", functools.partial(_tasks, call), keep=_KEEP),
    }
    return Page("running.html", values)


def signal(call: Call) -> Done:
    """Tell a process to be quiet, to stop, or to write where its threads are."""
    identity, order = call.said("identity"), call.said("order")
    process = ProcessSet(call.home).get(identity)
    if process is None:
        raise NotFound(f"there is no process {visible(identity)!r} any more")
    orders = {"quiet": process.quiet, "stop": process.stop, "dump": process.dump_threads}
    if order not in orders:
        raise NotFound(f"a process can be told {', '.join(orders)}, not {visible(order)!r}")
    heard = orders[order]()
    words = "{name} was told: {order}" if heard else "{name} is gone"
    told = call.locale.text(words, name=visible(identity), order=order)
    return Done(told, "running")


def _tasks(call: Call) -> Mapping[str, Sequence[str]]:
    everyone = ProcessSet(call.home)
    try:
        return tasks_of(everyone.leader or "", everyone.duties)
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # not allowed here


def _running(call: Call, works: Sequence[Work]) -> Sequence[Running]:
    now = moment_of(call.fleet).at
    rows = rows_of([work.job for work in works], call.visitor)
    usual = usual_of(call.fleet, works)
    advances = call.fleet.look("advances", lambda: advances_of(call.home, works))
    return [
        Running(
            work,
            row,
            max(0.0, now - work.run_at),
            usual.get(work.job.display_class),
            advances.get(work.jid),
        )
        for work, row in zip(works, rows, strict=True)
    ]
