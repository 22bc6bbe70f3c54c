"""``kiq undo``: what was deleted, cleared, killed or moved a few minutes ago goes back to where it was."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import socket
from collections.abc import Iterator

import click

from ..api import Act, can_undo, undo, undoable, undoable_acts
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from ..errors import ConfigError
from .ground import Ground, grounded
from .screen import document, is_terminal, note, say, table
from .table import Column
from .text import counted, duration, moment, number, visible

_COLUMNS = [
    Column("act"),
    Column("when"),
    Column("who", least=8),
    Column("what", least=14),
    Column("jobs", right=True),
    Column("for", right=True, spare=1),
]


@click.command("undo")
@click.argument("act", required=False)
@grounded(acts=True)
def undo_command(ground: Ground, act: str | None) -> None:
    """Undo ACT: put back what it took. Without ACT: list what can be undone."""
    if act is None:
        _list(ground)
        return
    try:
        done = undo(act, ground.home)
    except ConfigError as error:
        note(visible(str(error)))
        raise click.exceptions.Exit(NOT_DONE) from error
    if ground.as_json:
        document(dataclasses.asdict(done))
    else:
        say(f"{counted(done.back, 'job')} back")
    for why, count in done.left.items():
        note(f"not back: {counted(count, 'job')}: {visible(why)}")
    if done.beyond:
        note(f"not back: {counted(done.beyond, 'job')}: not kept, there was no room")
    if done.left or done.beyond:
        raise click.exceptions.Exit(NOT_DONE)


def _list(ground: Ground) -> None:
    found = undoable_acts(ground.home)
    if ground.as_json:
        document({"acts": [dataclasses.asdict(each) for each in found]})
        return
    if not found:
        note("nothing was done in the last ten minutes that can be undone")
        return
    now = wall()
    rows = (
        [each.id, moment(each.at, now), visible(each.by), visible(each.what)]
        + [number(each.jobs), duration(each.left)]
        for each in found
    )
    table(_COLUMNS, rows)


@contextlib.contextmanager
def kept(ground: Ground, what: str) -> Iterator[None]:
    """Keep what is done within the block, and say how it is undone."""
    with undoable(who(), what, client=ground.home) as act:
        try:
            yield
        except click.exceptions.Exit:
            _tell(act)
            raise
    _tell(act)


def not_kept(count: int, *, at_once: bool) -> str:
    """Return what a question says of what can't be undone; "" where all can."""
    back = can_undo(count, at_once=at_once)
    if back >= count:
        return ""
    return f" (only {number(back)} can be undone)" if back else " That can't be undone."


def who() -> str:
    """Return who gives this command, as this machine knows them."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return socket.gethostname()


def _tell(act: Act) -> None:
    if is_terminal() and act.jobs:  # what runs for a script says no more than before
        note(f"for ten minutes: kiq undo {act.id}")
