"""``kiq limits``: how full limits are, who is in, who waits; and how to open one again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict

import click

from ..api import LimitSet, LimitState
from ..cli.exit_codes import NOT_DONE
from .asking import sure
from .ground import Ground, grounded
from .screen import document, note, say, stream, table
from .table import Column
from .text import counted, duration, moment, number, visible

_LIMITS = [
    Column("limit", least=16, tail=True),
    Column("used", right=True),
    Column("of", right=True),
    Column("per", right=True),
    Column("waiting", right=True),
    Column("room", right=True),
    Column("refused", right=True, spare=1),
]
_HOLDERS = [
    Column("jid", least=24),
    Column("process", least=12, tail=True),
    Column("queue", spare=1),
]


class _Group(click.Group):
    """``list`` is meant where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Group)
def limits() -> None:
    """List the limits that are in use; show or reset some."""


@limits.command("list")
@click.option(
    *("-n", "--limit"),
    default=50,
    type=click.IntRange(0),
    show_default=True,
    metavar="N",
    help="Limits; 0: all.",
)
@grounded()
def _list(ground: Ground, limit: int) -> None:
    """List them, the last used first: how full, how many wait, and when there is room."""
    found = LimitSet(ground.home)
    size = found.size
    shown = itertools.islice(found, limit) if limit else iter(found)
    if ground.as_json:
        stream({"size": size}, "limits", map(asdict, shown))
        return
    if not size:
        note("no limit is in use")
        return
    table(_LIMITS, map(_row, shown))
    if 0 < limit < size:
        note(f"the last {limit} of {number(size)}; --limit 0 shows all")


@limits.command("show")
@click.argument("name")
@click.option("-n", "--limit", default=25, type=click.IntRange(0), help="Jobs that wait; 0: all.")
@grounded()
def _show(ground: Ground, name: str, limit: int) -> None:
    """Show one: its numbers, who is in it, and who waits longest. NAME is as listed."""
    found = LimitSet(ground.home)
    (state,) = _known(found, [name])
    holders, waiting = found.holders(state.id), found.waiting(state.id, limit)
    if ground.as_json:
        line = [{"jid": jid, "since": since} for jid, since in waiting]
        document({**asdict(state), "holders": list(map(asdict, holders)), "line": line})
        return
    table(_LIMITS, [_row(state)])
    say(f"let in {number(state.taken)}, sent away {number(state.refused)}")
    if state.closed_until is not None:
        say(f"closed for {duration(max(0.0, state.closed_until - state.seen_at))}")
    if holders:
        say("in it:")
        table(_HOLDERS, ([visible(h.jid) or "-", visible(h.process), h.queue] for h in holders))
    if state.waiting:
        say(f"{counted(state.waiting, 'job')} in line, who waits longest first:")
        rows = ([visible(jid), moment(since, state.seen_at)] for jid, since in waiting)
        table([Column("jid", least=24), Column("since")], rows)


@limits.command("reset")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def _reset(ground: Ground, names: Sequence[str], yes: bool) -> None:
    """Open some, and forget what they counted. Slots of jobs that run stay theirs."""
    found = LimitSet(ground.home)
    states = _known(found, names)
    sure(f"Reset {counted(len(states), 'limit')}? More than they allow may come then.", yes)
    done = sum(found.reset(state.id) for state in states)
    if ground.as_json:
        document({"reset": done})
    else:
        say(f"reset {counted(done, 'limit')}")


def _known(found: LimitSet, names: Sequence[str]) -> list[LimitState]:
    """Return the limits *names*: as listed, or a name alone where only one has it."""
    states = []
    every: list[LimitState] | None = None
    for name in names:
        state = found.get(name if name.count(":") >= 2 else f"{name}:")
        if state is None:
            every = every if every is not None else list(found)
            named = [one for one in every if one.name == name]
            if len(named) != 1:
                some = f"; {len(named)} limits have that name: say which" if named else ""
                note(f"there is no limit {visible(name)}{some}; kiq limits lists them")
                raise click.exceptions.Exit(NOT_DONE)
            (state,) = named
        states.append(state)
    return states


def _row(state: LimitState) -> list[str]:
    room = "?" if state.room_at is None else "now"
    if state.room_at is not None and state.full:
        room = f"in {duration(state.room_at - state.seen_at)}"
    return [
        visible(state.id.removesuffix(":")),
        f"{state.used:g}" if state.used == int(state.used) else f"{state.used:.1f}",
        number(state.size),
        duration(state.per) if state.per else "at a time",
        number(state.waiting + state.called),
        room,
        number(state.refused),
    ]
