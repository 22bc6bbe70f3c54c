"""``kiq jobs clear``: deletes the jobs that wait, and those that failed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...api import DeadSet, JobSet, Queue, RetrySet, ScheduledSet
from ..asking import sure
from ..ground import Ground, grounded
from ..screen import document, say
from ..text import counted, visible

_SETS: dict[str, type[JobSet]] = {"scheduled": ScheduledSet, "retry": RetrySet, "dead": DeadSet}


@click.command()
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Of this queue; repeat it.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def clear(ground: Ground, queues: Sequence[str], yes: bool) -> None:
    """Delete all jobs: in queues, scheduled, to be retried, dead. What runs goes on.

    With --queue: those of these queues.
    """
    named = [Queue(name, ground.home) for name in queues]
    lists = named or Queue.all(ground.home)
    sets = {name: kind(ground.home, **ground.dead_limits) for name, kind in _SETS.items()}
    waiting = sum(queue.size for queue in lists)
    total = 0
    if not queues:
        sizes = {name: each.size for name, each in sets.items()}
        told = ", ".join(f"{size} {name}" for name, size in sizes.items())
        total = waiting + sum(sizes.values())
        question = f"Delete {counted(total, 'job')} ({waiting} in queues, {told})?"
    else:
        question = f"Delete all jobs of {visible(', '.join(queues))}, {waiting} in queues?"
    if queues or total:
        sure(question, yes)
    deleted = sum(queue.clear() for queue in lists)
    for each in sets.values():
        deleted += _cleared(each, queues)
    if ground.as_json:
        document({"deleted": deleted})
    else:
        say(f"deleted {counted(deleted, 'job')}")


def _cleared(jobs: JobSet, queues: Sequence[str]) -> int:
    if not queues:
        return int(jobs.clear())
    return sum(entry.delete() for entry in list(jobs) if entry.queue in queues)
