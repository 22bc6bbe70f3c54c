"""``kiq stats``: the numbers of the moment, once or again and again."""

from __future__ import annotations

from typing import Any

import click

from ..api import Connection, Stats, Trend, Trends
from ..errors import StoreError, StoreUnavailable
from ..options import DEFAULTS
from .ground import Ground, grounded
from .screen import document, say
from .text import cut, duration, number, rate, visible, width_of
from .values import seconds
from .watching import watch as watched

_MOST_QUEUES = 10
_NAME = 24  # columns that the name of a queue has


@click.command()
@click.option(
    *("-w", "--watch"),
    is_flag=False,
    flag_value="2",
    default=None,
    type=seconds,
    metavar="[SECONDS]",
    help="Again every 2 seconds (or so many), with rates and a plot; Ctrl-C ends it.",
)
@grounded()
def stats(ground: Ground, watch: float | None) -> None:
    """Show how many jobs ran, failed and wait. With --watch and --json: a document on each line."""
    if watch is not None:
        watched(ground, max(0.1, watch), snapshot, numbers_of, queue_lines)
        return
    now = snapshot(ground.home)
    if ground.as_json:
        document(now)
        return
    for name, value in numbers_of(now):
        say(f"{name:<10} {value}")
    rows = queue_lines(now, _MOST_QUEUES)
    for line in ["", click.style(rows[0], bold=True), *rows[1:]] if rows else []:
        say(line)


def snapshot(home: Connection) -> dict[str, Any]:
    """Return the numbers of this moment, under the names of ``--json``. Some ten round trips."""
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
        "in_hand": numbers.in_hand,
        "default_queue_latency": round(numbers.default_queue_latency, 3),
        "queues": numbers.queues(),
        "trends": {name: _as_object(trend) for name, trend in _trends(home).items()},
    }


def _trends(home: Connection) -> dict[str, Trend]:
    try:
        return Trends(home).queues
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # this user may not read them, or somebody's key of another type is there


def _as_object(trend: Trend) -> dict[str, Any]:
    left = trend.seconds_to_drain
    return {
        "arrived": trend.arrived,
        "left": trend.left,
        "span": round(trend.span, 3),
        "direction": trend.direction,
        "seconds_to_drain": None if left is None else round(left, 1),
    }


def numbers_of(now: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is told of all queues together, by name."""
    return [
        ("processed", number(now["processed"])),
        ("failed", number(now["failed"])),
        ("busy", f"{number(now['busy'])} of {number(now['threads'])} threads"),
        ("processes", number(now["processes"])),
        ("enqueued", number(now["enqueued"])),
        ("scheduled", number(now["scheduled"])),
        ("retries", number(now["retries"])),
        ("dead", number(now["dead"])),
        ("latency", f"{duration(now['default_queue_latency'])} (queue {DEFAULTS['queue']})"),
    ]


def queue_lines(now: dict[str, Any], most: int) -> list[str]:
    """Return titles, a line for each queue, *most* at most, and one that tells how many more there are."""
    queues, trends = list(now["queues"].items()), now["trends"]
    if not queues or most < 1:
        return []
    title = _row("queue", "jobs", "come", "leave", "") if trends else _row("queue", "jobs")
    lines = [title]
    for name, size in queues[:most]:
        shown = cut(visible(name), _NAME)
        lines.append(_row(shown, number(size), *_course(trends.get(name))))
    if len(queues) > most:
        lines.append(f"and {len(queues) - most} more: kiq queues")
    return lines


def _row(name: str, size: str, *course: str) -> str:
    line = f"{name}{' ' * (_NAME - width_of(name))} {size:>11}"
    if course:
        come, leave, what = course
        line += f" {come:>9} {leave:>9}  {what}"
    return line.rstrip()


def _course(trend: dict[str, Any] | None) -> tuple[str, ...]:
    if trend is None or not trend["span"]:
        return ()
    what = {"growing": "grows", "draining": "drains"}.get(trend["direction"], "")
    if trend["seconds_to_drain"] is not None:
        what = f"empty in {duration(trend['seconds_to_drain'])}"
    come, leave = (rate(trend[name] / trend["span"]) for name in ("arrived", "left"))
    return come, leave, what
