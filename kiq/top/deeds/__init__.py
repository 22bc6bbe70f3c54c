"""What can be done to what: one table of kinds of things and keys, for every view. Nothing is done here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import entries, fleet, groups, undoing
from .deed import Act, Deed, Scope, Steps
from .undoing import kept, latest

__all__ = ["ACTS", "Act", "Deed", "Scope", "Steps", "act_for", "acts_of", "kept", "latest"]

_RETRY = Act("R", "retry", entries.retry, many=entries.retry_all)
_ENQUEUE = Act("E", "enqueue", entries.retry, many=entries.retry_all)
_KILL = Act("K", "kill", entries.kill, many=entries.kill_all)
_DELETE = Act("D", "delete", entries.delete, many=entries.delete_all)
_PAUSE = Act("p", "pause", fleet.pause)

#: Kind of a row -> what can be done to it. Capitals are what can't be taken back at a keystroke.
ACTS: Mapping[str, Sequence[Act]] = {
    "retries": (_RETRY, _KILL, _DELETE),
    "scheduled": (_ENQUEUE, _KILL, _DELETE),
    "dead": (_RETRY, _DELETE),
    "group": (
        Act("R", "retry", groups.retry),
        Act("K", "kill", groups.kill),
        Act("D", "delete", groups.delete),
    ),
    "queue": (_PAUSE, Act("D", "clear", fleet.clear)),
    "queued": (Act("D", "delete", fleet.delete_queued), Act("C", "cancel", fleet.cancel)),
    "work": (Act("C", "cancel", fleet.cancel),),
    "found": (Act("C", "cancel", fleet.cancel),),
    "process": (
        Act("Q", "quiet", fleet.quiet),
        Act("T", "stop", fleet.stop),
        Act("B", "dump", fleet.dump),
    ),
    "act": (Act("U", "undo", undoing.chosen),),
    "periodic": (Act("p", "pause", fleet.pause_periodic), Act("E", "run now", fleet.run_periodic)),
}


def acts_of(kind: str) -> Sequence[Act]:
    """Return what can be done to things of a *kind*."""
    return ACTS.get(kind, ())


def act_for(kind: str, key: str) -> Act | None:
    """Return what a *key* does to things of a *kind*; None for nothing."""
    return next((act for act in acts_of(kind) if act.key == key), None)
