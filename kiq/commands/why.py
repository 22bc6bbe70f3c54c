"""``kiq why JID``: why a job does not run, and the command that helps."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from ..api import Reason, Why, why
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .find import found_object, where
from .ground import Ground, grounded
from .screen import document, note, say, width
from .text import moment, visible

_WIDEST = 100


@click.command("why")
@click.argument("jid")
@grounded()
def why_command(ground: Ground, jid: str) -> None:
    """Tell why the job JID does not run: what stops it, and the command that helps.

    What stops it comes first; behind it, with a dash, what only takes time. Ends with 1 where something
    stops it.
    """
    answer = why(jid, ground.home)
    if ground.as_json:
        document(_object(answer))
    else:
        now = wall()
        for line in _lines(answer, now, min(width() or _WIDEST, _WIDEST)):
            say(line)
    for each in answer.unknown:
        note(f"could not look: {visible(each)}")
    if answer.stopped:
        raise click.exceptions.Exit(NOT_DONE)


def _lines(answer: Why, now: float, columns: int) -> Iterator[str]:
    yield f"{visible(answer.found.jid)} {where(answer.found, now)}"
    for reason in answer.reasons:
        yield from _told(reason, now, columns)


def _told(reason: Reason, now: float, columns: int) -> Iterator[str]:
    mark = click.style("!", fg="red") if reason.stops else "-"
    until = f" ({moment(reason.until, now)})" if reason.until is not None else ""
    lines = textwrap.wrap(visible(reason.text) + until, columns - 2, break_on_hyphens=False)
    for at, line in enumerate(lines):
        yield f"{mark if at == 0 else ' '} {line}"
    if reason.command:
        yield f"    {click.style(visible(reason.command), bold=True)}"


def _object(answer: Why) -> dict[str, Any]:
    reasons = [
        {**asdict(reason), "command": reason.command or None, "jid": reason.jid or None}
        for reason in answer.reasons
    ]
    return {**found_object(answer.found), "reasons": reasons, "unknown": list(answer.unknown)}
