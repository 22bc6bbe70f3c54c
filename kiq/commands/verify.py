"""``kiq verify``: compares what is there with what must be, and mends."""

from __future__ import annotations

import textwrap
from dataclasses import asdict

import click

from ..api import Finding, Report, verify
from ..cli.exit_codes import NOT_DONE
from .ground import Ground, grounded
from .screen import document, is_terminal, say, width
from .text import counted, visible

_INDENT = " " * 4


@click.command("verify")
@click.option("--mend", is_flag=True, help="Mend what can be mended without losing anything.")
@grounded(requires=True, acts=True)
def verify_command(ground: Ground, mend: bool) -> None:
    """Look for jobs in two places, in flight without an owner, unreadable or never due; for lost names.

    Workers may work meanwhile. Exit code 0: all is as it must be, or is now; 1: something is not.
    """
    report = verify(ground.home, mend=mend, **ground.dead_limits)
    if ground.as_json:
        document({**asdict(report), "clean": report.clean})
    else:
        for finding in report.findings:
            _show(finding)
        _sum_up(report, mend)
    if not report.clean:
        raise click.exceptions.Exit(NOT_DONE)


def _show(finding: Finding) -> None:
    room = max(30, (width() or 100) - len(_INDENT)) if is_terminal() else 10_000
    say(f"{click.style(finding.check, fg='yellow', bold=True)}  {visible(finding.where)}")
    for line in textwrap.wrap(visible(finding.what), room):
        say(f"{_INDENT}{line}")
    told = f"mended: {finding.mended}" if finding.mended else finding.do
    for at, line in enumerate(textwrap.wrap(visible(told), room - 3)):
        say(f"{_INDENT}{'-> ' if at == 0 else '   '}{line}")


def _sum_up(report: Report, mend: bool) -> None:
    for check, count in report.more.items():
        say(f"{count} more of {check}: run it again when these are mended")
    for what in report.unknown:
        say(f"not looked at: {visible(what)}")
    left = [finding for finding in report.findings if not finding.mended]
    mended = len(report.findings) - len(left)
    found = "all is as it must be"
    if report.findings:
        parts = [f"{counted(len(left), 'thing')} not as it must be"] if left else []
        parts += [f"{mended} mended"] if mended else []
        found = ", ".join(parts)
    say(f"{counted(report.jobs, 'job')} and {counted(report.keys, 'key')} looked at: {found}")
    mendable = sum(finding.mendable for finding in left)
    if mendable and not mend:
        say(f"kiq verify --mend can mend {mendable} of them, and loses nothing")
