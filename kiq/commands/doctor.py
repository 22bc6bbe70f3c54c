"""``kiq doctor``: what is wrong with this Redis and these workers, and what to do about it."""

from __future__ import annotations

import importlib.util
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

import click

from ..cli.exit_codes import DANGER, WARNING
from ..store.flight import DeadLimits
from .checks import fleet, server
from .checks.finding import LEVELS, Finding, Level
from .checks.fleet_facts import gather_fleet
from .checks.server_facts import gather_server
from .ground import Ground, grounded
from .screen import document, is_terminal, say
from .text import counted

_COLOURS: dict[Level, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "danger": "red"}
_CODES: dict[Level, int] = {"ok": 0, "note": 0, "warning": WARNING, "danger": DANGER}
_INDENT = " " * 25


@click.command()
@click.option("-q", "--quiet", is_flag=True, help="Only what needs attention.")
@grounded()
def doctor(ground: Ground, quiet: bool) -> None:
    """Look for what loses jobs, holds them up or soon will, and say what to do.

    Exit code 0: all is well; 3: warnings; 4: dangers.
    """
    findings = list(examine(ground))
    worst = max((finding.level for finding in findings), key=LEVELS.index)
    if ground.as_json:
        document({"worst": worst, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            if not quiet or finding.level != "ok":
                _show(finding)
        _sum_up(findings)
    raise click.exceptions.Exit(_CODES[worst])


def examine(ground: Ground) -> Iterator[Finding]:
    """Yield what was found, in the order in which it is shown."""
    config = ground.config
    facts = gather_server(ground.home)
    crew = gather_fleet(ground.home, DeadLimits(config.dead_max_jobs, config.dead_timeout), config)
    yield Finding("redis", "ok", config.redis.masked_url)
    yield from server.version(facts)
    yield from server.eviction(facts)
    yield from server.persistence(facts)
    yield from server.writes(facts)
    yield from server.latency(facts)
    yield from server.clock(facts)
    yield from server.clients(facts, len(crew.processes))
    yield from server.replies(facts)
    yield from server.commands(facts)
    for check in (
        fleet.unread,
        fleet.processes,
        fleet.companions,
        fleet.owners,
        fleet.queues,
        fleet.sets,
    ):
        yield from check(crew)
    if importlib.util.find_spec("hiredis") is None:
        what = "the package hiredis is not installed here: workers would be slower"
        yield Finding("hiredis", "note", what, 'pip install "kiq[hiredis]"')


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:<9}", fg=_COLOURS[finding.level], bold=True)
    columns = shutil.get_terminal_size().columns if is_terminal() else 100
    room = max(30, columns - len(_INDENT))
    what = textwrap.wrap(finding.what, room) or [""]
    say(f"{level}{finding.check:<16}{what[0]}")
    for line in what[1:]:
        say(f"{_INDENT}{line}")
    for at, line in enumerate(textwrap.wrap(finding.do, room - 3)):
        say(f"{_INDENT}{'-> ' if at == 0 else '   '}{line}")


def _sum_up(findings: list[Finding]) -> None:
    counts = {level: sum(each.level == level for each in findings) for level in LEVELS}
    found = [counted(counts[level], level) for level in reversed(LEVELS[1:]) if counts[level]]
    say(f"{len(findings)} things looked at: {', '.join(found) or 'all is well'}")
