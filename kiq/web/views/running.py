"""Running: the processes, and the jobs that they run at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import Process, ProcessSet, Work, WorkSet
from ...wording import visible
from ..answers import Done, Page
from ..calls import Call
from ..moments import moment_of
from ..rows import Row, rows_of

_MOST = 200  # jobs of the page


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs: where, and for how many seconds."""

    work: Work
    row: Row
    elapsed: float


def running(call: Call) -> Page:
    """Show processes and running jobs."""
    moment = moment_of(call.fleet)
    works = call.fleet.look("works", lambda: list(WorkSet(call.home)))
    homes = {process.identity: process for process in moment.processes}
    values = {
        "title": "Running",
        "groups": _grouped(moment.processes),
        "jobs": _running(call, works[:_MOST]),
        "more": max(0, len(works) - _MOST),
        "homes": homes,
        "leader": call.fleet.look("leader", lambda: ProcessSet(call.home).leader or ""),
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


def _grouped(processes: Sequence[Process]) -> Sequence[tuple[str, Sequence[Process]]]:
    """Return the processes by machine, those of one parent beside each other."""
    found: dict[str, list[Process]] = {}
    for process in sorted(processes, key=lambda each: (each.hostname, each.parent, each.pid)):
        found.setdefault(process.hostname, []).append(process)
    return list(found.items())


def _running(call: Call, works: Sequence[Work]) -> Sequence[Running]:
    now = moment_of(call.fleet).at
    rows = rows_of([work.job for work in works], call.visitor)
    return [
        Running(work, row, max(0.0, now - work.run_at))
        for work, row in zip(works, rows, strict=True)
    ]
