"""``kiq doctor``: what is wrong with this Redis and these workers, and what to do about it."""

from __future__ import annotations

import functools
import shutil
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click

from ..cli.exit_codes import DANGER, WARNING
from ..doctor import CHECKS, LEVELS, Finding, Level, examine
from ..errors import KiqError, StoreUnavailable
from .ground import Ground, grounded
from .screen import document, is_terminal, say
from .text import counted, visible

_COLOURS: dict[Level, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "danger": "red"}
_CODES: dict[Level, int] = {"ok": 0, "note": 0, "warning": WARNING, "danger": DANGER}
_INDENT = " " * 25
#: What plugins of Nagios, Icinga, Sensu and their like end with, and the word for each.
_NAGIOS: dict[Level, int] = {"ok": 0, "note": 0, "warning": 1, "danger": 2}
_UNKNOWN = 3
_WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


class _Checks(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # no generic in older clicks
    """Names of checks, with commas between them."""

    name = "checks"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        unknown = [name for name in names if name not in CHECKS]
        if unknown:
            there = ", ".join(CHECKS)
            self.fail(f"there is no check {visible(unknown[0])}; there are {there}", param, ctx)
        return names


def _monitored(action: Callable[..., Any]) -> Callable[..., Any]:
    """Let a monitor read in one line what keeps the doctor from looking, too."""

    @functools.wraps(action)
    def command(*args: Any, nagios: bool, **rest: Any) -> Any:
        try:
            return action(*args, nagios=nagios, **rest)
        except KiqError as error:
            if not nagios:
                raise
            code = _NAGIOS["danger"] if isinstance(error, StoreUnavailable) else _UNKNOWN
            say(f"KIQ {_WORDS[code]} - {visible(str(error))}")
            raise click.exceptions.Exit(code) from None

    return command


@click.command()
@click.option("-q", "--quiet", is_flag=True, help="Only what needs attention.")
@click.option("-v", "--verbose", is_flag=True, help="Each thing that is well, on a terminal too.")
@click.option(
    "--only", type=_Checks(), multiple=True, metavar="CHECK,...", help="Only these checks."
)
@click.option("--ignore", type=_Checks(), multiple=True, metavar="CHECK,...", help="Not these.")
@click.option(
    "--nagios", is_flag=True, help="One line, and exit code 0, 1, 2 or 3, as monitors want."
)
@_monitored
@grounded()
def doctor(
    ground: Ground,
    quiet: bool,
    verbose: bool,
    only: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    nagios: bool,
) -> None:
    """Look for what loses jobs, holds them up or soon will, and say what to do.

    The worst comes first. Exit code 0: all is well; 3: warnings; 4: dangers.
    """
    wanted = {name for names in only for name in names}
    unwanted = {name for names in ignore for name in names}
    findings = [
        finding
        for finding in examine(ground.home, ground.config)
        if finding.check not in unwanted and (finding.check in wanted or not wanted)
    ]
    findings.sort(key=lambda finding: -LEVELS.index(finding.level))
    worst: Level = findings[0].level if findings else "ok"
    if nagios:
        say(f"KIQ {_WORDS[_NAGIOS[worst]]} - {_in_one_line(findings)}")
        raise click.exceptions.Exit(_NAGIOS[worst])
    if ground.as_json:
        document({"worst": worst, "findings": [asdict(finding) for finding in findings]})
    else:
        _show_all(findings, quiet, verbose)
    raise click.exceptions.Exit(_CODES[worst])


def _in_one_line(findings: Sequence[Finding]) -> str:
    bad = [finding for finding in findings if finding.level in ("warning", "danger")]
    if not bad:
        return f"{counted(len(findings), 'thing')} looked at, none is wrong"
    more = f" (and {len(bad) - 1} more: kiq doctor)" if len(bad) > 1 else ""
    # What follows a bar would be read as measurements.
    return f"{bad[0].check}: {bad[0].what}{more}".replace("|", "/")


def _show_all(findings: Sequence[Finding], quiet: bool, verbose: bool) -> None:
    well = [finding for finding in findings if finding.level == "ok"]
    for finding in findings:
        if finding.level != "ok" or not (quiet or (is_terminal() and not verbose)):
            _show(finding)
    if well and is_terminal() and not quiet and not verbose:
        # What is well would push what is not off the screen.
        names = ", ".join(dict.fromkeys(finding.check for finding in well))
        _show(Finding("well", "ok", f"{names} (-v tells more)"))
    counts = {level: sum(each.level == level for each in findings) for level in LEVELS}
    found = [counted(counts[level], level) for level in reversed(LEVELS[1:]) if counts[level]]
    say(f"{counted(len(findings), 'thing')} looked at: {', '.join(found) or 'all is well'}")


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
