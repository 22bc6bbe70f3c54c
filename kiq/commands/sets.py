"""``kiq retries``, ``kiq scheduled``, ``kiq dead``: what lies in the sorted sets."""

from __future__ import annotations

import itertools
from typing import Any

import click

from ..api import DeadSet, JobSet, RetrySet, ScheduledSet, SortedEntry
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .acting import action
from .entries import as_object, call, error, handle, in_full
from .ground import Ground, grounded
from .screen import document, note, say, stream, table
from .selection import Selection, by_jid, selecting
from .table import Column
from .text import moment, number, visible

_JID = Column("jid")
_CLASS = Column("class", least=12, tail=True)
_QUEUE = Column("queue", least=7, spare=2)
_CALL = Column("arguments", least=10, spare=3)
_ERROR = Column("error", least=12)


class _Group(click.Group):
    """A set's commands; ``list`` is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def _list(kind: type[JobSet], columns: list[Column], newest_first: bool) -> click.Command:
    @click.command("list")
    @selecting
    @click.option(
        *("-n", "--limit"),
        default=25,
        type=click.IntRange(0),
        show_default=True,
        metavar="N",
        help="At most so many; 0: all.",
    )
    @grounded()
    def listing(ground: Ground, limit: int, **criteria: Any) -> None:
        """List the entries: the one that is due next first, of the dead the newest."""
        jobs = kind(ground.home)
        selection = Selection(**criteria)
        entries = selection.entries(jobs, newest_first=newest_first)
        shown = itertools.islice(entries, limit) if limit > 0 else entries
        size = jobs.size
        if ground.as_json:
            stream({"set": jobs.key, "size": size}, "entries", map(as_object, shown))
            return
        now = wall()
        rows = (_row(entry, columns, now) for entry in shown)
        first = next(rows, None)
        if first is None:
            note(
                f"nothing {'is' if selection.is_everything else 'like that is'} in the set {jobs.key}"
            )
            return
        table(columns, itertools.chain([first], rows))
        if 0 < limit < size:
            note(
                f"{number(size)} in the set {jobs.key}, at most {limit} shown; --limit 0 shows all"
            )

    return listing


def _row(entry: SortedEntry, columns: list[Column], now: float) -> list[str]:
    values = {
        "jid": visible(handle(entry)),
        "class": visible(entry.class_name),
        "queue": visible(entry.queue or "?"),
        "arguments": call(entry),
        "error": error(entry),
        "retries": "" if entry.retry_count is None else number(entry.retry_count),
    }
    return [values.get(column.title, moment(entry.score, now)) for column in columns]


def _show(kind: type[JobSet]) -> click.Command:
    @click.command("show")
    @click.argument("jid")
    @grounded()
    def show(ground: Ground, jid: str) -> None:
        """Show all of one job: its fields, its arguments, the traceback of its last error."""
        jobs = kind(ground.home)
        found, _ = by_jid(jobs, [jid])
        if not found:
            note(f"no job with jid {visible(jid)} is in the set {jobs.key}")
            raise click.exceptions.Exit(NOT_DONE)
        (entry,) = found
        if ground.as_json:
            details = {"error_backtrace": entry.error_backtrace, "payload": entry.payload}
            document({**as_object(entry), **(details if entry.problem is None else {})})
            return
        for line in in_full(entry, wall()):
            say(line)

    return show


def _group(name: str, kind: type[JobSet], what: str, columns: list[Column]) -> click.Group:
    made = _Group(name, help=f"{what}\n\nWhat may be said to the list: kiq {name} list -h")
    made.add_command(_list(kind, columns, newest_first=kind is DeadSet))
    made.add_command(_show(kind))
    return made


retries = _group(
    "retries",
    RetrySet,
    "List the jobs that failed and wait for their next attempt; retry, delete or kill them.",
    [
        Column("next", spare=1),
        Column("retries", right=True, spare=1),
        _QUEUE,
        _JID,
        _CLASS,
        _CALL,
        _ERROR,
    ],
)
retries.add_command(action(RetrySet, "retry", "Run jobs now, instead of later."))
retries.add_command(action(RetrySet, "delete", "Delete jobs."))
retries.add_command(action(RetrySet, "kill", "Give jobs up: move them to the dead set."))

scheduled = _group(
    "scheduled",
    ScheduledSet,
    "List the jobs that wait for their time; enqueue, delete or kill them.",
    [Column("due", spare=1), _QUEUE, _JID, _CLASS, _CALL],
)
scheduled.add_command(action(ScheduledSet, "enqueue", "Run jobs now, instead of later."))
scheduled.add_command(action(ScheduledSet, "delete", "Delete jobs."))
scheduled.add_command(action(ScheduledSet, "kill", "Give jobs up: move them to the dead set."))

dead = _group(
    "dead",
    DeadSet,
    "List the jobs that failed for good; retry or delete them.",
    [Column("died", spare=1), _QUEUE, _JID, _CLASS, _CALL, _ERROR],
)
dead.add_command(action(DeadSet, "retry", "Run jobs once more."))
dead.add_command(action(DeadSet, "delete", "Delete jobs."))
