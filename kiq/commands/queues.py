"""``kiq queues``, ``kiq pause``, ``kiq unpause``, ``kiq clear-queue``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import click

from ..api import ProcessSet, Queue, QueuedJob, Stats
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .asking import sure
from .entries import as_object, call, handle
from .ground import Ground, grounded
from .naming import did_you_mean
from .screen import document, note, say, stream, table
from .table import Column
from .text import counted, duration, moment, number, visible
from .undo import kept, not_kept, who

_QUEUES = [
    Column("queue", least=16),
    Column("jobs", right=True),
    Column("latency", right=True),
    Column("processes", right=True, spare=1),
    Column("state"),
]
_BAND = Column("band", spare=4)
_JOBS = [
    Column("enqueued", spare=2),
    Column("jid"),
    Column("class", least=12, tail=True),
    Column("arguments", least=10, spare=1),
    Column("problem", least=10, spare=3),
]


@click.command()
@click.argument("name", required=False)
@click.option(
    *("-n", "--limit"),
    default=25,
    type=click.IntRange(0),
    show_default=True,
    metavar="N",
    help="Jobs of NAME; 0: all.",
)
@grounded()
def queues(ground: Ground, name: str | None, limit: int) -> None:
    """List the queues: how many jobs wait, and for how long the oldest. With NAME: its jobs."""
    if name is not None:
        _jobs(ground, _known(ground, name), limit)
        return
    found = _facts(ground)
    if ground.as_json:
        document({"queues": found})
    elif not found:
        note("no queue has ever got a job here")
    else:
        table(_QUEUES, map(_row, found))


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--unknown", is_flag=True, help="Also a queue that nobody knows yet.")
@click.option("--reason", default="", metavar="TEXT", help="Why: `kiq why` and others tell it.")
@grounded(json=False, acts=True)
def pause(ground: Ground, names: Sequence[str], unknown: bool, reason: str) -> None:
    """Let no process take jobs from queues, from now on; what runs goes on, pushes arrive."""
    find = _named if unknown else _known
    for queue in [find(ground, name) for name in names]:  # all are looked up before any is paused
        was_running = queue.pause(by=who(), reason=reason)
        name = visible(queue.name)
        say(f"paused {name}" if was_running else f"{name} was paused already")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@grounded(json=False, acts=True)
def unpause(ground: Ground, names: Sequence[str]) -> None:
    """Let jobs be taken from paused queues again."""
    for queue in [_known(ground, name) for name in names]:
        was_paused = queue.unpause()
        name = visible(queue.name)
        say(f"unpaused {name}" if was_paused else f"{name} was not paused")


@click.command("clear-queue")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def clear_queue(ground: Ground, name: str, yes: bool) -> None:
    """Delete every job that waits in a queue; what a process took already, runs."""
    queue = _known(ground, name)
    size = queue.size
    if size:
        asked = f"Delete {counted(size, 'job')} of the queue {visible(name)}?"
        sure(asked + not_kept(size, at_once=True), yes)
    with kept(ground, f"kiq clear-queue {name}"):
        deleted = queue.clear()
    if ground.as_json:
        document({"deleted": deleted})
    else:
        say(f"deleted {counted(deleted, 'job')}")


def _named(ground: Ground, name: str) -> Queue:
    """Return the queue *name*: any that is there, or a name that a queue may have."""
    there = {queue.name: queue for queue in Queue.all(ground.home)}
    return there.get(name) or Queue(name, ground.home)


def _known(ground: Ground, name: str) -> Queue:
    """Return the queue *name*, which ever got a job, is paused, or is taken by a process.

    Ends the command where there is none: a name that was misspelt must not pass for an empty queue.
    """
    there = {queue.name: queue for queue in Queue.all(ground.home)}
    if name in there:
        return there[name]
    taken = {each for process in ProcessSet(ground.home) for each in process.queues}
    if name in taken:
        return Queue(name, ground.home)
    note(f"there is no queue {visible(name)}{did_you_mean(name, [*there, *sorted(taken)])}")
    raise click.exceptions.Exit(NOT_DONE)


def _facts(ground: Ground) -> list[dict[str, Any]]:
    """Return what is known of each queue, the longest first."""
    takers: dict[str, int] = {}
    for process in ProcessSet(ground.home):
        if process.is_silent or process.is_quiet:
            continue
        for name in set(process.queues):
            takers[name] = takers.get(name, 0) + 1
    return [
        {
            "name": queue.name,
            "size": queue.size,
            "latency": round(queue.latency, 3),
            "paused": queue.paused,
            "processes": takers.get(queue.name, 0),
            "bands": dict(queue.bands),
        }
        for queue in Stats(ground.home).queue_summaries()
    ]


def _row(facts: dict[str, Any]) -> list[str]:
    state = ""
    if facts["paused"]:
        state = click.style("paused", fg="yellow")
    elif not facts["processes"]:
        state = click.style("no process takes it", fg="red")
    bands = [
        f"{number(facts['bands'][band])} {band}"
        for band in ("high", "low")
        if facts["bands"].get(band)
    ]
    return [
        visible(facts["name"]),
        number(facts["size"]),
        duration(facts["latency"]) if facts["size"] else "-",
        number(facts["processes"]),
        ", ".join([*filter(None, [state]), *bands]),
    ]


def _jobs(ground: Ground, queue: Queue, limit: int) -> None:
    size = queue.size
    jobs = itertools.islice(queue, limit) if limit > 0 else iter(queue)
    if ground.as_json:
        stream({"queue": queue.name, "size": size}, "jobs", map(as_object, jobs))
        return
    if not size:
        note(f"no job waits in {visible(queue.name)}")
        return
    now = wall()
    # Most queues have jobs of one priority: then nothing is to be told of it.
    banded = queue.bands["normal"] < size
    columns = [_JOBS[0], *([_BAND] if banded else []), *_JOBS[1:]]
    table(columns, (_job_row(job, now, banded) for job in jobs))
    if 0 < limit < size:
        note(f"the oldest {limit} of {number(size)}; --limit 0 shows all")


def _job_row(job: QueuedJob, now: float, banded: bool) -> list[str]:
    return [
        moment(job.enqueued_at, now),
        *([job.band] if banded else []),
        visible(handle(job)),
        visible(job.class_name),
        call(job),
        visible(job.problem or ""),
    ]
