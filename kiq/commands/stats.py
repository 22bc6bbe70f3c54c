"""``kiq stats``: the numbers of the moment, once or again and again."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

import click

from ..api import Connection, Stats
from ..clock import steady
from ..errors import StoreUnavailable
from ..options import DEFAULTS
from .ground import Ground, grounded
from .plain import plain
from .screen import document, is_terminal, say
from .text import cut, duration, number, visible
from .values import seconds

_HOME, _TO_END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_MOST_QUEUES = 10


@click.command()
@click.option(
    *("-w", "--watch"),
    is_flag=False,
    flag_value="2",
    default=None,
    type=seconds,
    metavar="[SECONDS]",
    help="Again every 2 seconds (or so many), with rates; Ctrl-C ends it.",
)
@grounded()
def stats(ground: Ground, watch: float | None) -> None:
    """Show how many jobs ran, failed and wait. With --watch and --json: a document on each line."""
    now = snapshot(ground.home)
    if watch is None:
        if ground.as_json:
            document(now)
        else:
            for line in _lines(now, None):
                say(line)
        return
    try:
        _watch(ground, now, max(0.1, watch))
    except KeyboardInterrupt:
        if is_terminal():
            say()


def snapshot(home: Connection) -> dict[str, Any]:
    """Return the numbers of this moment, under the names that ``--json`` gives them."""
    numbers = Stats(home)
    return {
        "processed": numbers.processed,
        "failed": numbers.failed,
        "enqueued": numbers.enqueued,
        "scheduled": numbers.scheduled_size,
        "retries": numbers.retry_size,
        "dead": numbers.dead_size,
        "processes": numbers.processes_size,
        "threads": numbers.threads,
        "busy": numbers.workers_size,
        "default_queue_latency": round(numbers.default_queue_latency, 3),
        "queues": numbers.queues(),
    }


def _watch(ground: Ground, first: dict[str, Any], pause: float) -> None:
    before, at, last = None, steady(), first
    if is_terminal() and not ground.as_json:
        click.clear()
    while True:
        try:
            trouble = None
            if before is not None:
                last = snapshot(ground.home)
        except StoreUnavailable as error:
            trouble = f"{error}; trying again"
        taken = steady()
        _show(ground, last, None if before is None else _rates(before, last, taken - at), trouble)
        before, at = last, taken
        time.sleep(pause)


def _rates(before: dict[str, Any], now: dict[str, Any], elapsed: float) -> dict[str, float]:
    return {
        name: max(0, now[name] - before[name]) / max(elapsed, 0.001)
        for name in ("processed", "failed")
    }


def _show(
    ground: Ground, now: dict[str, Any], rates: dict[str, float] | None, trouble: str | None
) -> None:
    if ground.as_json:
        click.echo(json.dumps(plain({**now, "error": trouble, "rates": rates})))
        return
    lines = _lines(now, rates)
    lines += ["", click.style(visible(trouble), fg="red")] if trouble else []
    if is_terminal():
        rows = shutil.get_terminal_size().lines - 1  # one more would scroll
        text = "".join(f"{line}{_TO_END_OF_LINE}\n" for line in lines[:rows])
        click.echo(f"{_HOME}{text}{_BELOW}", nl=False)
    else:
        for line in [*lines, ""]:
            say(line)


def _lines(now: dict[str, Any], rates: dict[str, float] | None) -> list[str]:
    numbers = [
        ("processed", number(now["processed"]) + _rate(rates, "processed")),
        ("failed", number(now["failed"]) + _rate(rates, "failed")),
        ("busy", f"{number(now['busy'])} of {number(now['threads'])} threads"),
        ("processes", number(now["processes"])),
        ("enqueued", number(now["enqueued"])),
        ("scheduled", number(now["scheduled"])),
        ("retries", number(now["retries"])),
        ("dead", number(now["dead"])),
        ("latency", f"{duration(now['default_queue_latency'])} (queue {DEFAULTS['queue']})"),
    ]
    lines = [f"{name:<10} {value}" for name, value in numbers]
    queues = list(now["queues"].items())
    if queues:
        lines += ["", click.style(f"{'queue':<30} jobs", bold=True)]
        for name, size in queues[:_MOST_QUEUES]:
            lines.append(f"{cut(visible(name), 30):<30} {number(size)}")
        if len(queues) > _MOST_QUEUES:
            lines.append(f"and {len(queues) - _MOST_QUEUES} more: kiq queues")
    return lines


def _rate(rates: dict[str, float] | None, name: str) -> str:
    return "" if rates is None else f"  ({rates[name]:,.1f}/s)"
