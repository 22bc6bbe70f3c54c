"""``kiq result JID``: what a job came to, or where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from ..errors import ResultMissing, ResultTimeout
from ..plugins.results import Outcome, Progress, Status, Whereabouts
from ..plugins.results import result as result_of
from .ground import Ground, grounded
from .screen import document, note, say
from .text import arguments, duration, limited, lines_of, moment, visible

_ALL = 100_000  # characters of a result that are shown


@click.command()
@click.argument("jid")
@click.option(
    "--wait",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Wait so long for its end.",
)
@grounded()
def result(ground: Ground, jid: str, wait: float | None) -> None:
    """Say what the job JID came to, or where it is and how far it has come.

    What it came to is kept where its class, or its push, has a result_ttl. The exit code is 0 where it is
    done, else 1.
    """
    found, late = result_of(jid, ground.home), ""
    if wait is not None:
        try:
            found.wait(wait)
        except ResultTimeout as error:
            late = str(error)
        except ResultMissing:
            pass  # the look below says so
    status = found.look()
    if ground.as_json:
        document(_document(status))
    else:
        for name, value in _lines(status, wall()):
            say(f"{name:<9} {value}")
        for line in lines_of(status.outcome.backtrace) if _died(status) and status.outcome else ():
            say(f"  {line}")
    if late and status.outcome is None:
        note(visible(late))
    if status.status != "done":
        raise click.exceptions.Exit(NOT_DONE)


def _died(status: Status) -> bool:
    return status.outcome is not None and bool(status.outcome.backtrace)


def _document(status: Status) -> dict[str, Any]:
    fields: dict[str, Any] = {"jid": status.jid, "status": status.status}
    where, outcome, far = status.where, status.outcome, status.progress
    if where is not None:
        fields |= {"queue": where.queue, "at": where.at, "attempt": where.attempt}
    if outcome is not None:
        fields |= {"class": outcome.job_class, "ended_at": outcome.ended_at, "why": outcome.why}
        fields |= {"error_class": outcome.error_class, "error_message": outcome.error_message}
        fields |= {"backtrace": outcome.backtrace, "attempt": outcome.attempt}
        if outcome.kept:
            fields["result"] = outcome.kept[0]
    if status.why:
        fields["why"] = status.why
    if far is not None:
        told = {name: value for name, value in asdict(far).items() if name not in _INSIDE}
        fields["progress"] = {**told, "percentage": far.percentage, "time_left": far.time_left}
    return fields


_INSIDE = ("begun", "spent")


def _lines(status: Status, now: float) -> Iterator[tuple[str, str]]:
    yield "status", visible(status.status) + _beside(status)
    if status.where is not None:
        yield from _place(status.where, now)
    if status.outcome is not None:
        yield from _end(status.outcome, now)
    if status.progress is not None:
        yield "progress", _far(status.progress, now)
    if status.why:
        yield "why", visible(status.why)


def _beside(status: Status) -> str:
    if status.status == "unknown":
        return ": it is nowhere, and nothing says what it came to (result_ttl=)"
    if status.where is not None and status.outcome is not None:
        return ": it has been dead, and somebody wants it to run again"
    return ""


def _place(where: Whereabouts, now: float) -> Iterator[tuple[str, str]]:
    if where.queue:
        yield "queue", visible(where.queue)
    if where.at is not None:
        yield ("died" if where.status == "dead" else "due"), moment(where.at, now)
    yield "attempt", str(where.attempt)


def _end(outcome: Outcome, now: float) -> Iterator[tuple[str, str]]:
    yield "class", visible(outcome.job_class)
    yield "ended", moment(outcome.ended_at, now)
    yield "attempt", str(outcome.attempt)
    if outcome.kept:
        yield "result", arguments(list(outcome.kept), {}, _ALL)
    if outcome.error_class:
        yield "error", limited(f"{outcome.error_class}: {outcome.error_message}")
    if outcome.why:
        yield "why", visible(outcome.why)


def _far(far: Progress, now: float) -> str:
    text = f"{far.done:g}" if far.total is None else f"{far.done:g} of {far.total:g}"
    if far.percentage is not None:
        text += f" ({far.percentage:.0f} %)"
    if far.note:
        text += f", {limited(far.note)}"
    text += f", {moment(far.at, now)}"
    left = far.time_left
    return text if not left else f"{text}; {duration(left)} more, at this rate"
