"""``kiq jobs check``: whether jobs wait for too long; for a monitor."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...api import Queue, RetrySet, ScheduledSet
from ...cli.exit_codes import NOT_DONE
from ...clock import wall
from ..ground import Ground, grounded
from ..screen import document, say
from ..text import counted, duration, visible


@click.command()
@click.option(
    "--max-age",
    default=300.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="No job may wait for longer.",
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="This queue; repeat it.")
@grounded()
def check(ground: Ground, max_age: float, queues: Sequence[str]) -> None:
    """End with exit code 1 if jobs wait for too long: in a queue, or since they were due.

    What is scheduled for later does not wait.
    """
    chosen = [Queue(name, ground.home) for name in queues] or Queue.all(ground.home)
    found = {queue.name: queue.latency for queue in chosen}
    late = {name: round(latency, 3) for name, latency in found.items() if latency > max_age}
    overdue = _overdue(ground, max_age, queues)
    if ground.as_json:
        document({"late": late, "overdue": overdue, "max_age": max_age})
    else:
        for name, latency in late.items():
            say(f"{visible(name)}: a job waits for {duration(latency)}")
        if overdue:
            say(f"{counted(overdue, 'job')} should have gone to a queue {duration(max_age)} ago")
        if not late and not overdue:
            say(f"no job waits for longer than {duration(max_age)}")
    if late or overdue:
        raise click.exceptions.Exit(NOT_DONE)


def _overdue(ground: Ground, max_age: float, queues: Sequence[str]) -> int:
    """Return how many jobs were due before: no worker promotes them."""
    due = (float("-inf"), wall() - max_age)
    return sum(
        not queues or entry.queue in queues
        for kind in (ScheduledSet, RetrySet)
        for entry in kind(ground.home).fetch(due)
    )
