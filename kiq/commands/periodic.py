"""``kiq periodic``: what runs when, what became of it, and by hand: run, pause, resume, remove."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ..api import PeriodicJob, PeriodicSet, Tick
from ..cli.exit_codes import NOT_DONE
from ..client import process_client
from ..clock import wall
from ..plugins.declared import shown_ticks
from .ground import Ground, grounded
from .naming import did_you_mean
from .screen import document, note, say, table
from .table import Column
from .text import arguments, duration, moment, number, visible

_ENTRIES = [
    Column("name", least=12),
    Column("rule", least=10),
    Column("next"),
    Column("last"),
    Column("class", least=10, tail=True, spare=1),
    Column("state"),
]
_TICKS = [
    Column("tick"),
    Column("late", right=True),
    Column("what"),
    Column("outcome"),
    Column("jid", spare=1),
]
_NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME...")


class _Group(click.Group):
    """``list`` is meant where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Group)
def periodic() -> None:
    """List the periodic jobs; show, run, pause, resume or remove some."""


@periodic.command("list")
@grounded()
def _list(ground: Ground) -> None:
    """List them: the rule, the next run, and how the last went."""
    jobs = list(PeriodicSet(ground.home))
    if ground.as_json:
        document({"periodic": [_as_object(job, job.history(1)) for job in jobs]})
    elif not jobs:
        note("there is no periodic job here")
    else:
        now = wall()
        table(_ENTRIES, (_row(job, now) for job in jobs))


@periodic.command("show")
@click.argument("name")
@click.option("-n", "--limit", default=10, type=click.IntRange(1), help="Ticks of the past.")
@grounded()
def _show(ground: Ground, name: str, limit: int) -> None:
    """Show all of one: its next five runs, and what became of the last ticks."""
    (job,) = _known(PeriodicSet(ground.home), [name])
    ticks = job.history(limit)
    if ground.as_json:
        document(_as_object(job, ticks))
        return
    for line in _in_full(job):
        say(line)
    if ticks:
        say("")
        table(_TICKS, map(_tick_row, ticks))


@periodic.command("next")
@click.argument("expression")
@click.option("-z", "--timezone", default="UTC", show_default=True, metavar="ZONE")
@click.option("-n", "--count", default=5, type=click.IntRange(1, 1000), show_default=True)
def _next(expression: str, timezone: str, count: int) -> None:
    """Say when an expression ("*/5 * * * *") or a time ("90s") is due. Asks no Redis."""
    try:
        for line in shown_ticks(expression, timezone, count, wall()):
            say(line)
    except ValueError as error:
        raise click.UsageError(visible(str(error))) from None


@periodic.command("run")
@_NAMES
@grounded(json=False, requires=True)
def _run(ground: Ground, names: Sequence[str]) -> None:  # noqa: ARG001 (the settings are in use)
    """Push jobs now, whatever their plans, which stay as they are; writes their jids."""
    for job in _known(PeriodicSet(process_client()), names):
        jid = job.run()
        if jid is None:
            note(f"{visible(job.name)} was not pushed: client middleware refused it")
            raise click.exceptions.Exit(NOT_DONE)
        say(jid)


@periodic.command("pause")
@_NAMES
@grounded(json=False, acts=True)
def _pause(ground: Ground, names: Sequence[str]) -> None:
    """Have no ticks from now on; a deploy changes nothing in that."""
    for job in _known(PeriodicSet(ground.home), names):
        done = job.pause(_who())
        name = visible(job.name)
        say(f"paused {name}" if done else f"{name} was paused already")


@periodic.command("resume")
@_NAMES
@grounded(json=False, acts=True)
def _resume(ground: Ground, names: Sequence[str]) -> None:
    """Have ticks again; what did not run meanwhile is not made up for."""
    for job in _known(PeriodicSet(ground.home), names):
        done = job.resume()
        name = visible(job.name)
        say(f"resumed {name}" if done else f"{name} was not paused")


@periodic.command("remove")
@_NAMES
@grounded(json=False, acts=True)
def _remove(ground: Ground, names: Sequence[str]) -> None:
    """Take entries out. What a file or code has comes back while a worker runs that has it."""
    for job in _known(PeriodicSet(ground.home), names):
        job.remove()
        say(f"removed {visible(job.name)}")


def _known(jobs: PeriodicSet, names: Sequence[str]) -> list[PeriodicJob]:
    """Return the entries *names*; all are looked up before anything is done with one."""
    found = [(name, jobs.get(name)) for name in names]
    for name, job in found:
        if job is None:
            near = did_you_mean(name, [each.name for each in jobs])
            note(f"there is no periodic job {visible(name)}{near}")
            raise click.exceptions.Exit(NOT_DONE)
    return [job for _, job in found if job is not None]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _rule(job: PeriodicJob) -> str:
    if job.definition is None:
        return "?"
    rule = job.definition.rule
    text = rule.cron or f"every {_span(rule.every)}"
    return text if rule.timezone == "UTC" or not rule.cron else f"{text} {rule.timezone}"


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else duration(seconds)


def _next_run(job: PeriodicJob, now: float) -> str:
    if job.next_at is None or job.paused:
        return "-"
    return moment(job.next_at, now) if job.next_at > now else "now"


def _state(job: PeriodicJob) -> str:
    if job.problem:
        return click.style("unreadable", fg="red")
    if job.paused:
        return click.style("paused", fg="yellow")
    return "" if job.definition and job.definition.enabled else "not enabled"


def _row(job: PeriodicJob, now: float) -> list[str]:
    last = next(iter(job.history(1)), None)
    return [
        visible(job.name),
        visible(_rule(job)),
        _next_run(job, now),
        "-" if last is None else f"{last.outcome or last.what} {moment(last.decided_at, now)}",
        visible(str(job.definition.payload["class"])) if job.definition else "?",
        _state(job),
    ]


def _in_full(job: PeriodicJob) -> list[str]:
    one = job.definition
    lines = [f"{visible(job.name)}  {_state(job)}".rstrip()]
    if one is None:
        return [*lines, f"problem      {visible(job.problem)}"]
    call = arguments(list(one.payload["args"]), dict(one.payload.get("kwargs", {})))
    rows = {
        "rule": _rule(job),
        "job": f"{visible(str(one.payload['class']))}({call})",
        "queue": visible(str(one.payload["queue"])),
        "from": f"{one.origin} {visible(one.app)}".rstrip(),
        "overlap": one.overlap,
        "missed": f"{one.missed}, within {duration(one.within)}",
        "jitter": duration(one.jitter) if one.jitter else "",
        "description": visible(one.description),
        "paused by": visible(job.paused_by) if job.paused else "",
        "next": ", ".join(_iso(tick) for tick in job.next()) or "-",
    }
    return [*lines, *(f"{name:<12} {text}" for name, text in rows.items() if text)]


def _tick_row(tick: Tick) -> list[str]:
    several = f" {number(tick.count)}" if tick.what in ("missed", "merged") else ""
    what = tick.what.replace("_", " ") + several
    late = f"{tick.lateness * 1000:.0f} ms" if tick.lateness < 1 else duration(tick.lateness)
    shown = late if tick.what == "run" else ""
    return [_iso(tick.tick), shown, visible(what), visible(tick.outcome), visible(tick.jid)]


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_object(job: PeriodicJob, ticks: Sequence[Tick]) -> dict[str, Any]:
    one = job.definition
    rule = one.rule if one else None
    return {
        "name": job.name,
        "cron": (rule.cron or None) if rule else None,
        "every": (rule.every or None) if rule else None,
        "timezone": rule.timezone if rule else None,
        "job": dict(one.payload) if one else None,
        "origin": one.origin if one else None,
        "overlap": one.overlap if one else None,
        "missed": one.missed if one else None,
        "enabled": one.enabled if one else None,
        "paused": job.paused,
        "problem": job.problem or None,
        "next_at": job.next_at,
        "next": job.next(),
        "history": [
            {
                **{"tick": tick.tick, "decided_at": tick.decided_at, "what": tick.what},
                **{"jid": tick.jid or None, "count": tick.count},
                **{"outcome": tick.outcome or None, "lateness": round(tick.lateness, 3)},
            }
            for tick in ticks
        ],
    }
