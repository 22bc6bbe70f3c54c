"""``kiq locks``: the locks of unique jobs, and how to free them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from ..api import Lock, LockSet
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .asking import sure
from .ground import Ground, grounded
from .screen import document, note, say, stream, table
from .table import Column
from .text import counted, duration, moment, number, visible

_COLUMNS = [
    Column("since", spare=2),
    Column("jid"),
    Column("class", least=12, tail=True),
    Column("lock", spare=1),
    Column("ends in", right=True, spare=3),
]


@click.command()
@click.argument("jids", nargs=-1, metavar="[JID]...")
@click.option(
    "--free", is_flag=True, help="Free those of these jobs; the jobs stay where they are."
)
@click.option("--all", "everything", is_flag=True, help="With --free: all locks.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option(
    *("-n", "--limit"),
    default=25,
    type=click.IntRange(0),
    show_default=True,
    metavar="N",
    help="Locks; 0: all.",
)
@grounded()
def locks(
    ground: Ground, jids: Sequence[str], free: bool, everything: bool, yes: bool, limit: int
) -> None:
    """List the locks of unique jobs, or those of some jobs: who has them, and since when."""
    found = LockSet(ground.home)
    if free:
        if bool(jids) == everything:
            raise click.UsageError("say which locks to free: jids of their jobs, or --all")
        _free(ground, found, jids, yes)
    elif everything:
        raise click.UsageError("--all goes with --free; -n 0 lists all")
    else:
        _list(ground, found, jids, limit)


def _chosen(found: LockSet, jids: Sequence[str]) -> list[Lock]:
    """Return the locks of *jids*. Ends the command where one of these has none."""
    chosen = [lock for lock in found if lock.jid in jids]
    missing = set(jids) - {lock.jid for lock in chosen}
    if missing:
        note(f"no lock belongs to {visible(', '.join(sorted(missing)))}")
        raise click.exceptions.Exit(NOT_DONE)
    return chosen


def _free(ground: Ground, found: LockSet, jids: Sequence[str], yes: bool) -> None:
    chosen = _chosen(found, jids) if jids else list(found)
    if chosen and not jids:
        sure(f"Free {counted(len(chosen), 'lock')}? Others of these jobs can be pushed then.", yes)
    freed = sum(found.free(lock) for lock in chosen)
    if ground.as_json:
        document({"freed": freed})
    else:
        say(f"freed {counted(freed, 'lock')}")


def _list(ground: Ground, found: LockSet, jids: Sequence[str], limit: int) -> None:
    size = found.size
    every = iter(_chosen(found, jids)) if jids else iter(found)
    shown = itertools.islice(every, limit) if limit and not jids else every
    if ground.as_json:
        stream({"size": size}, "locks", map(_object, shown))
        return
    if not size:
        note("no job has a lock")
        return
    now = wall()
    table(_COLUMNS, (_row(lock, now) for lock in shown))
    if 0 < limit < size and not jids:
        note(f"the oldest {limit} of {number(size)}; --limit 0 shows all")


def _object(lock: Lock) -> dict[str, Any]:
    fields = asdict(lock)
    del fields["moved"]
    return fields


def _row(lock: Lock, now: float) -> list[str]:
    return [
        moment(lock.since, now),
        visible(lock.jid),
        visible(lock.job_class),
        visible(lock.kind),
        "-" if lock.ttl is None else duration(lock.ttl),
    ]
