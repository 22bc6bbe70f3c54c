"""``kiq ps``, ``kiq quiet``, ``kiq stop``, ``kiq dump``: the worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from ..api import Process, ProcessSet, Work, WorkSet
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from ..errors import ConfigError
from .asking import sure
from .entries import as_object, call
from .ground import Ground, grounded
from .naming import did_you_mean
from .screen import document, note, say, table
from .table import Column
from .text import counted, duration, megabytes, moment, visible

_PROCESSES = [
    Column("process", least=20),
    Column("tag", least=6, spare=4),
    Column("queues", least=10, spare=3),
    Column("busy", right=True),
    Column("state"),
    Column("memory", right=True, spare=2),
    Column("rtt", right=True, spare=5),
    Column("up", right=True, spare=1),
    Column("beat", spare=6),
]
_WORK = [
    Column("process", least=16, spare=2),
    Column("thread", spare=3),
    Column("queue", least=7, spare=4),
    Column("jid"),
    Column("class", least=12, tail=True),
    Column("arguments", least=10, spare=1),
    Column("for", right=True),
]


@click.command()
@click.option("-j", "--jobs", is_flag=True, help="The jobs that run, too.")
@grounded()
def ps(ground: Ground, jobs: bool) -> None:
    """List the worker processes, and with --jobs what each of their threads runs."""
    everyone = ProcessSet(ground.home)
    processes = sorted(everyone.everyone(), key=lambda process: process.identity)
    duties = everyone.duties
    works = list(WorkSet(ground.home)) if jobs else []
    if ground.as_json:
        shown: dict[str, Any] = {
            "processes": [_process(each) for each in processes],
            "duties": duties,
        }
        document({**shown, "jobs": [_work(each) for each in works]} if jobs else shown)
        return
    now = wall()
    if processes:
        table(_PROCESSES, _process_rows(processes, now))
        note(_summary(processes))
    else:
        note("no worker process runs")
    for name, identity in duties.items():
        note(f"{visible(name)} is the duty of {visible(identity)}")
    if works:
        say()
        table(_WORK, (_work_row(each, now) for each in works))
    elif jobs:
        note("no job runs")


@click.command()
@click.argument("identity", metavar="IDENTITY|all")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def quiet(ground: Ground, identity: str, yes: bool) -> None:
    """Let processes take no more jobs; those that run may end. It can't be undone."""
    _signal(ground, identity, yes, "quiet")


@click.command()
@click.argument("identity", metavar="IDENTITY|all")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def stop(ground: Ground, identity: str, yes: bool) -> None:
    """Stop processes in order: running jobs have their time, the rest goes back."""
    _signal(ground, identity, yes, "stop")


@click.command()
@click.argument("identity", metavar="IDENTITY|all")
@grounded(acts=True)
def dump(ground: Ground, identity: str) -> None:
    """Let processes write to their logs where each of their threads is."""
    _signal(ground, identity, True, "dump")


_ORDERS: dict[str, tuple[Callable[[Process], bool], str]] = {
    "quiet": (Process.quiet, "be quiet"),
    "stop": (Process.stop, "stop"),
    "dump": (Process.dump_threads, "log where its threads are"),
}


def _signal(ground: Ground, identity: str, yes: bool, name: str) -> None:
    order, words = _ORDERS[name]
    everyone = list(ProcessSet(ground.home).everyone())
    processes = meant([each for each in everyone if not each.is_dead], identity)
    if not processes:
        note(why_nobody(everyone, identity))
        raise click.exceptions.Exit(NOT_DONE)
    if identity == "all":
        sure(f"{name.capitalize()} {counted(len(processes), 'process', 'processes')}?", yes)
    told: list[str] = []
    failed: list[str] = []
    for process in processes:
        try:
            heard = order(process)
        except ConfigError as error:  # one that runs inside another program; the others go on
            heard = False
            note(visible(str(error)))
        (told if heard else failed).append(process.identity)
    if ground.as_json:
        document({"signal": name, "processes": told, "failed": failed})
    else:
        for each in told:
            say(f"told {visible(each)} to {words}; it hears that at its next beat, within 5 s")
    for each in failed:
        note(f"{visible(each)} was not told to {words}")
    if failed:
        raise click.exceptions.Exit(NOT_DONE)


def why_nobody(everyone: Sequence[Process], identity: str) -> str:
    """Return what to say where *identity* names none that lives."""
    if identity == "all":
        return "no worker process runs"
    dead = meant([each for each in everyone if each.is_dead], identity)
    if dead:
        return f"{visible(dead[0].identity)} is dead"
    return f"no process {visible(identity)} runs" + did_you_mean(
        identity, [each.identity for each in everyone if not each.is_dead]
    )


def meant(processes: Sequence[Process], identity: str) -> list[Process]:
    """Return the processes that *identity* names: all, one, or those that begin so if that is one."""
    if identity == "all":
        return list(processes)
    exact = [process for process in processes if process.identity == identity]
    similar = [process for process in processes if process.identity.startswith(identity)]
    if not exact and len(similar) > 1:
        names = ", ".join(visible(process.identity) for process in similar[:5])
        raise click.UsageError(f"{visible(identity)} may be any of {names}: write more of it")
    return exact or similar


def _summary(processes: Sequence[Process]) -> str:
    awake = [each for each in processes if not each.is_dead and not each.is_silent]
    busy, threads = sum(each.busy for each in awake), sum(each.concurrency for each in awake)
    parts = [f"{counted(len(awake), 'process', 'processes')}, {busy} of {threads} threads busy"]
    silent, dead = [p for p in processes if p.is_silent], [p for p in processes if p.is_dead]
    if silent:
        parts.append(f"{len(silent)} without a sign of life")
    if dead:
        parts.append(f"{len(dead)} dead")
        jobs = sum(each.in_hand for each in dead)
        if jobs:
            parts.append(
                f"{counted(jobs, 'job')} in dead hands go back when a live process sees that"
            )
    return "; ".join(parts)


def _process(process: Process) -> dict[str, Any]:
    return {
        "identity": process.identity,
        "hostname": process.hostname,
        "pid": process.pid,
        "parent": process.parent or None,
        "tag": process.tag,
        "version": process.version,
        "python": process["python"],
        "labels": list(process.labels),
        "queues": list(process.queues),
        "concurrency": process.concurrency,
        "configured": process.configured,
        "busy": process.busy,
        "in_hand": process.in_hand,
        "quiet": process.is_quiet,
        "state": process.state,
        "told": process.told,
        "silence": round(process.silence, 1),
        "rss_kb": process.rss,
        "rtt_us": process.rtt_us,
        "started_at": process.started_at,
        "beat": process.beat,
    }


def _process_rows(processes: Sequence[Process], now: float) -> Iterator[list[str]]:
    """Yield rows: children stand under a row for their parent, which is no worker itself."""
    families: dict[tuple[str, int], list[Process]] = {}
    for process in processes:
        if process.parent:
            families.setdefault((process.hostname, process.parent), []).append(process)
    for process in processes:
        family = families.get((process.hostname, process.parent), [process])
        if process is not family[0]:
            continue  # it stands with its siblings
        if process.parent:
            yield _parent_row(family)
        for each in family:
            yield _process_row(each, now, "  " if process.parent else "")


def _parent_row(family: Sequence[Process]) -> list[str]:
    first, awake = family[0], [one for one in family if not one.is_dead and not one.is_silent]
    busy, threads = sum(one.busy for one in awake), sum(one.concurrency for one in awake)
    return [
        f"{visible(first.hostname)}:{first.parent}",
        visible(first.tag or ""),
        "",
        f"{busy}/{threads}",
        f"parent of {len(awake)}",
        megabytes(sum(one.rss for one in awake)),
        *("", "", ""),
    ]


def _process_row(process: Process, now: float, indent: str = "") -> list[str]:
    return [
        indent + visible(process.identity),
        visible(process.tag or ""),
        visible(", ".join(dict.fromkeys(process.queues))),
        "-" if process.is_dead else f"{process.busy}/{process.concurrency}{_scaled(process)}",
        _state(process),
        megabytes(process.rss),
        f"{process.rtt_us / 1000:.1f} ms",
        "?" if process.started_at is None else duration(max(0.0, now - process.started_at)),
        moment(now - process.silence, now) if process.silence else moment(process.beat, now),
    ]


def _scaled(process: Process) -> str:
    """Return what tells of threads that it was started without: ``3/20 of 10``."""
    same = process.configured == process.concurrency
    return "" if same else f" of {process.configured}"


_TOLD = {"TSTP": "told to be quiet", "TERM": "told to stop"}


def _state(process: Process) -> str:
    if process.is_dead:
        return click.style("dead", fg="red", bold=True)
    if process.is_silent:
        return click.style("no sign of life", fg="red")
    told = [_TOLD[name] for name in process.told if name in _TOLD]
    if told and not (process.is_quiet and told[-1] == _TOLD["TSTP"]):
        return click.style(told[-1], fg="yellow")
    if process.state == "leaving":
        return process.state
    return click.style("quiet", fg="yellow") if process.is_quiet else "takes jobs"


def _work(work: Work) -> dict[str, Any]:
    return {
        "process": work.process,
        "thread": work.thread,
        "queue": work.queue,
        "run_at": work.run_at,
        "job": as_object(work.job),
    }


def _work_row(work: Work, now: float) -> list[str]:
    return [
        visible(work.process),
        visible(work.thread) or "?",
        visible(work.queue),
        visible(work.job.jid),
        visible(work.job.class_name),
        call(work.job),
        ("" if work.thread else "< ") + duration(max(0.0, now - work.run_at)),
    ]
