"""``kiq batches``: how batches are, what is within one, and how to cancel or forget them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click

from ..api import BatchSet, BatchStatus
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .asking import sure
from .ground import Ground, grounded
from .screen import document, note, say, stream, table
from .table import Column
from .text import counted, moment, number, visible

_COLUMNS = [
    Column("made", spare=2),
    Column("batch"),
    Column("state", spare=1),
    Column("done", right=True),
    Column("jobs", right=True),
    Column("failed", right=True, spare=4),
    Column("description", least=10, tail=True, spare=3),
]
_GONE = ("dead", "deleted", "cancelled", "lost", "failed", "refused")


@click.command()
@click.argument("bids", nargs=-1, metavar="[BATCH]...")
@click.option("--tag", metavar="TAG", help="Those with this tag.")
@click.option("--text", metavar="TEXT", help="Those with this in their id or description.")
@click.option("--running", is_flag=True, help="Those that are not over.")
@click.option("--cancel", is_flag=True, help="Cancel these: their jobs do not run any more.")
@click.option("--delete", is_flag=True, help="Forget these, which are over; their jobs stay.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option(
    *("-n", "--limit"),
    default=25,
    type=click.IntRange(0),
    show_default=True,
    metavar="N",
    help="Batches; 0: all.",
)
@grounded()
def batches(
    ground: Ground,
    bids: Sequence[str],
    tag: str | None,
    text: str | None,
    running: bool,
    cancel: bool,
    delete: bool,
    yes: bool,
    limit: int,
) -> None:
    """List batches, the newest first, or show some: what has become of their jobs."""
    found = BatchSet(ground.home)
    if cancel or delete:
        if (cancel and delete) or not bids:
            raise click.UsageError(
                "say which batches by their ids, and either --cancel or --delete"
            )
        _act(ground, bids, found.cancel if cancel else found.delete, cancel, yes)
    elif bids:
        _show(ground, found, bids)
    else:
        _list(ground, found.select(tag=tag, text=text, running=running), limit)


def _act(
    ground: Ground, bids: Sequence[str], act: Callable[[str], bool], cancel: bool, yes: bool
) -> None:
    if cancel:
        sure(f"Cancel {counted(len(bids), 'batch', 'batches')}? Its jobs are dropped.", yes)
    done = [bid for bid in bids if act(bid)]
    past = "cancelled" if cancel else "deleted"
    left = [bid for bid in bids if bid not in done]
    if ground.as_json:
        document({past: done, "left": left})
    else:
        say(f"{past} {counted(len(done), 'batch', 'batches')}")
    for bid in left:
        why = "it is over, or there is none" if cancel else "it is not over, or there is none"
        note(f"not {past}: {visible(bid)}: {why}")
    if left:
        raise click.exceptions.Exit(NOT_DONE)


def _show(ground: Ground, found: BatchSet, bids: Sequence[str]) -> None:
    shown = [(bid, found.find(bid)) for bid in bids]
    there = [one for _, one in shown if one is not None]
    if ground.as_json:
        document({"batches": [_object(one) for one in there]})
    else:
        for one in there:
            _tell(one, found.within(one.bid))
    for bid in (bid for bid, one in shown if one is None):
        note(f"there is no batch {visible(bid)}")
    if len(there) < len(bids):
        raise click.exceptions.Exit(NOT_DONE)


def _tell(one: BatchStatus, within: Sequence[BatchStatus]) -> None:
    now = wall()
    tags = f" [{', '.join(one.tags)}]" if one.tags else ""
    say(f"batch {visible(one.bid)}: {visible(one.description) or '-'}{visible(tags)}")
    say(f"  {_state(one)}, made {moment(one.created_at, now)}; {number(one.total)} jobs:")
    for kind in ("succeeded", "pending", "retrying", "skipped", *_GONE):
        count = getattr(one, kind)
        if count:
            say(f"  {number(count):>12} {kind}")
    for event in ("complete", "success", "death", "end", "cancelled"):
        at = getattr(one, f"{event}_at")
        if at is not None:
            say(f"  {event}: {moment(at, now)}")
    if one.why:
        say(f"  why: {visible(one.why)}")
    if one.parent:
        say(f"  within {visible(one.parent)}")
    for each in within:
        say(f"  waits for {visible(each.bid)}: {_state(each)}, {_done(each)} of {each.total} done")


def _list(ground: Ground, found: Iterable[BatchStatus], limit: int) -> None:
    shown = itertools.islice(found, limit) if limit else iter(found)
    if ground.as_json:
        stream({}, "batches", map(_object, shown))
        return
    first = next(shown, None)
    if first is None:
        note("no such batch is there")
        return
    now = wall()
    table(_COLUMNS, (_row(one, now) for one in itertools.chain((first,), shown)))


def _object(one: BatchStatus) -> dict[str, Any]:
    return {
        **asdict(one),
        "parent": one.parent,
        "succeeded": one.succeeded,
        "progress": round(one.progress, 4),
        "over": one.over,
    }


def _row(one: BatchStatus, now: float) -> list[str]:
    return [
        moment(one.created_at, now),
        visible(one.bid),
        _state(one),
        number(_done(one)),
        number(one.total),
        number(sum(getattr(one, kind) for kind in _GONE)),
        visible(one.description),
    ]


def _done(one: BatchStatus) -> int:
    return one.succeeded + one.skipped


def _state(one: BatchStatus) -> str:
    if one.success:
        return "succeeded"
    if one.over and one.state != "cancelled":
        return "failed"
    return one.state
