"""``kiq failures``: what failed, in groups: how often, since when, and how it is called in a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from ..api import FailureGroup, FailureGroups, count_failures, failure_groups
from ..clock import wall
from .ground import Ground, grounded
from .progress import progress
from .screen import document, note, table
from .table import Column
from .text import counted, duration, number, visible

_COLUMNS = [
    Column("jobs", right=True),
    Column("retries", right=True, spare=3),
    Column("dead", right=True, spare=3),
    Column("class", least=12, tail=True),
    Column("error", least=16),
    Column("first", right=True, spare=2),
    Column("last", right=True, spare=1),
    Column("group"),
]


@click.command("failures")
@click.option("--exact", is_flag=True, help="Look at every job, however many there are.")
@click.option(
    *("-n", "--limit"),
    default=25,
    type=click.IntRange(0),
    show_default=True,
    metavar="N",
    help="The N largest (0: all).",
)
@grounded()
def failures(ground: Ground, exact: bool, limit: int) -> None:
    """List what waits for a retry or is dead, in groups: one class, one error, one kind of message.

    Handle a group by its name: kiq retries retry --filter group:NAME
    """
    found = _counted(ground) if exact else failure_groups(ground.home)
    groups = found.groups[: limit or None]
    if ground.as_json:
        shown = [{**asdict(each), "count": each.count} for each in groups]
        document({"groups": shown, "looked_at": found.looked_at, "total": found.total})
        return
    if not groups:
        note("no job has failed that is tried again or dead")
        return
    table(_COLUMNS, _rows(groups, found))
    if not found.exact:
        looked = f"{number(found.looked_at)} of {counted(found.total, 'job')}"
        note(f"about: estimated from {looked}; --exact looks at all")
    if len(groups) < len(found.groups):
        note(f"{counted(len(found.groups), 'group')}, the {len(groups)} largest shown")


def _counted(ground: Ground) -> FailureGroups:
    found = FailureGroups((), 0, 0, wall())
    with progress("Looking", "looked at") as step:
        for found in count_failures(ground.home):
            step(found.looked_at, found.total)
    return found


def _rows(groups: Sequence[FailureGroup], found: FailureGroups) -> Iterator[Sequence[str]]:
    about = "" if found.exact else "~"
    for each in groups:
        said = f"{each.error_class}: {each.general}" if each.general else each.error_class
        yield (
            about + number(each.count),
            about + number(each.retries),
            about + number(each.dead),
            visible(each.class_name),
            visible(said),
            _ago(each.first, found.at),
            _ago(each.last, found.at),
            each.key,
        )


def _ago(moment: float | None, now: float) -> str:
    return "?" if moment is None else f"{duration(max(0.0, now - moment))} ago"
