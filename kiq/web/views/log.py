"""Activity: who did what by the UI; what of it can be undone, and undoing it."""

from __future__ import annotations

from ...api import act_of, undo, undoable_acts
from ...errors import ConfigError
from ...wording import counted, visible
from ..activity import Activity
from ..answers import Done, Page
from ..calls import Call


def activity(call: Call) -> Page:
    """Show the log, the newest first. Three round trips."""
    entries = Activity(call.home).entries(200)
    kept = {each.id: each for each in undoable_acts(call.home)}
    values = {
        "title": "Activity",
        "entries": entries,
        "kept": {each.key: kept.pop(act_of(each.key), None) for each in entries},
    }
    # What is left was done by commands and programs.
    return Page("activity.html", {**values, "others": list(kept.values())})


def undo_act(call: Call) -> Done:
    """Put what an act took back to where it was."""
    act = call.said("act")[:64]
    try:
        done = undo(act, call.home)
    except ConfigError as error:
        return Done(f"failed: {visible(str(error))}", "activity")
    words = f"{counted(done.back, 'job')} back"
    if done.left:
        reasons = "; ".join(f"{count:,} {visible(why)}" for why, count in done.left.items())
        words += f", {sum(done.left.values()):,} not: {reasons}"
    if done.beyond:
        words += f", {done.beyond:,} had not been kept"
    return Done(words if done.back else f"failed: {words}", "activity")
