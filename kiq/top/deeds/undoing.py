"""Undoing what was done within the last ten minutes, by whomever, and saying before what can be undone."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Sequence

from ...api import Undoable, can_undo, undo, undoable, undoable_acts
from ...errors import ConfigError
from ...wording import counted, duration, number
from ..fleets import Fleet
from .deed import Deed, Scope, Steps, command


def kept(fleet: Fleet, deed: Deed, steps: Steps) -> str:
    """Do *deed*, and keep what it takes away; return what it came to, and how that is undone."""
    with undoable(who(), deed.question.rstrip("?"), client=fleet.home) as act:
        told = deed.do(steps)
    return f"{told}; u undoes it" if act.jobs else told


def can_be_undone(count: int, examples: Sequence[bytes] = (), *, at_once: bool = False) -> str:
    """Return what a question says of undoing what is done to *count* jobs."""
    back = can_undo(count, examples, at_once=at_once)
    if back >= count:
        return "can be undone for ten minutes (u)"
    return f"only {number(back)} of them can be undone" if back else "can't be undone"


def latest(fleet: Fleet) -> Deed:
    """Return the question before the newest act is undone. Raises ConfigError where there is none."""
    acts = undoable_acts(fleet.home)
    if not acts:
        raise ConfigError("nothing was done in the last ten minutes that can be undone")
    return _question(fleet, acts[0])


def chosen(scope: Scope) -> Deed:
    """Return the question before an act of a list is undone."""
    return _question(scope.fleet, scope.subjects[0])


def _question(fleet: Fleet, act: Undoable) -> Deed:
    details = [
        f"done by {act.by or '?'}; {counted(act.jobs, 'job')} kept for {duration(act.left)} more",
        "what has started since is left alone",
    ]
    if act.beyond:
        details.append(f"{counted(act.beyond, 'job')} were not kept, and can't come back")
    return Deed(f"Undo: {act.what}?", _undoes(fleet, act.id), details, [command("undo", act.id)])


def _undoes(fleet: Fleet, act: str) -> Callable[[Steps], str]:
    def do(_: Steps) -> str:
        found = undo(act, fleet.home)
        words = f"{counted(found.back, 'job')} back"
        return words + "".join(f"; not {number(count)}: {why}" for why, count in found.left.items())

    return do


def who() -> str:
    """Return who sits here, as this machine knows them."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return socket.gethostname()
