"""Acts on many jobs: planned on a page, begun by a form, followed on a page."""

from __future__ import annotations

import functools
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from ...api import (
    Deed,
    Filter,
    JobSet,
    Plan,
    SortedEntry,
    act_of,
    can_undo,
    entry_at,
    parse_filter,
    plan,
    undoable_act,
)
from ...errors import ConfigError, StoreError, UndecodablePayload
from ...wording import counted, visible
from ..activity import Activity
from ..answers import Done, Page
from ..bulk import DEEDS, Order, Run, course_of, stop
from ..calls import Call
from ..moments import moment_of
from ..rows import rows_of
from .sets import KINDS, jobs_of

#: What may be done to which sets; "failures" is both that hold them.
SETS: Mapping[str, Sequence[str]] = {
    "retries": ("retries",),
    "scheduled": ("scheduled",),
    "dead": ("dead",),
    "failures": ("retries", "dead"),
}
_TYPED = 1000  # jobs: to delete more, their number is typed
_RATES = (10, 50, 100, 500, 1000)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a retry of so many jobs means to a queue: *seconds* more to drain, None where it does not."""

    queue: str
    count: int
    seconds: float | None


def planned(call: Call) -> Page:
    """Show what an act would be done to, before it is done: how many, which, as of when."""
    name, deed, wanted = meant(call)
    at = moment_of(call.fleet).at
    chosen = call.every("place")
    if chosen:
        return _chosen(call, name, deed, chosen)
    plans = [plan(jobs_of(call, each), deed, wanted, at) for each in sets_for(name, deed)]
    queues = sum((Counter(each.queues) for each in plans), Counter[str]())
    examples = [entry for each in plans for entry in each.examples][:5]
    count = sum(each.count for each in plans)
    values = {
        **_frame(name, deed, wanted),
        "at": at,
        "count": count,
        "exact": all(each.done or not wanted for each in plans),
        "back": can_undo(count, [entry.raw for entry in examples]),
        "looked_at": sum(each.looked_at for each in plans),
        "size": sum(each.size for each in plans),
        "rows": rows_of(examples, call.visitor),
        "classes": sum((Counter(each.classes) for each in plans), Counter[str]()).most_common(8),
        "effects": _effects(call, plans, queues) if deed == "retry" else (),
        "typed": deed == "delete" and count > _TYPED,
        "rates": _RATES,
        "places": (),
    }
    return Page("plan.html", values)


def begin(call: Call) -> Done:
    """Begin a bulk act; or, of chosen jobs, do it at once."""
    name, deed, wanted = meant(call)
    if call.route != f"bulk.{deed}":
        raise BadRequest(f"{call.route} does not {deed}")
    chosen = call.every("place")
    if chosen:
        return _do_chosen(call, name, deed, chosen)
    try:
        at = float(call.said("at"))
    except ValueError:
        raise BadRequest("at is no time: go back to the plan, and press the button there") from None
    if not 0 < at <= moment_of(call.fleet).at + 60:
        raise BadRequest("at is no time that was: go back to the plan")
    if call.said("typed_for") and call.said("typed") != call.said("typed_for"):
        words = "nothing was done: type the number of jobs, {number}, to delete them"
        problem = f"failed: {call.locale.text(words, number=call.said('typed_for'))}"
        return Done(problem, "plan", {"set": name, "deed": deed, "q": wanted.text})
    rate = float(call.number("rate", 0, 0, 1_000_000))
    key = call.said("once")[:64] or secrets.token_hex(8)
    order = Order(key, deed, sets_for(name, deed), wanted, at, rate, call.visitor.name)
    run = Run(call.home, order, functools.partial(jobs_of, call), _teller(call, key))
    run.begin()
    begun = call.locale.text("begun")
    noted = key == call.said("once")[:64]
    if noted:
        _teller(call, key)(begun)  # before its end is
    if not call.fleet.background.start(f"bulk-{key}", run):
        raise ServiceUnavailable("too many bulk acts run already: wait until one of them has ended")
    return Done(begun, "bulk", {"id": key}, noted)


def followed(call: Call) -> Page:
    """Show how far a bulk act is, and what it came to."""
    key = call.said("id")
    key = key[:64]
    course = course_of(call.home, key)
    if course is None:
        raise NotFound("nobody knows of this act any more: a day after its end it is forgotten")
    kept = undoable_act(act_of(key), call.home)
    values = {"title": "On many jobs", "key": key, "course": course, "undoable": kept}
    return Page("bulk.html", values)


def halt(call: Call) -> Done:
    """Have a bulk act end."""
    key = call.said("id")[:64]
    stop(call.home, key)
    return Done(call.locale.text("it ends after the batch that it is at"), "bulk", {"id": key})


def meant(call: Call) -> tuple[str, Deed, Filter]:
    """Return which sets, which deed and which jobs a request names. Raises NotFound, BadRequest."""
    name, deed = call.said("set"), call.said("deed")
    if name not in SETS or deed not in DEEDS:
        raise NotFound(f"there is nothing that {visible(deed)!r} would do to {visible(name)!r}")
    try:
        wanted = parse_filter(call.said("q"))
    except ConfigError as error:
        raise BadRequest(str(error)) from error
    if not sets_for(name, cast(Deed, deed)):
        raise BadRequest("the jobs of the dead set are dead already")
    return name, cast(Deed, deed), wanted


def sets_for(name: str, deed: Deed) -> Sequence[str]:
    """Return the sets that *name* means, without those that the deed does nothing to."""
    return [each for each in SETS[name] if not (deed == "kill" and each == "dead")]


def _frame(name: str, deed: Deed, wanted: Filter) -> Mapping[str, object]:
    return {
        "title": {"retry": "Run now", "kill": "Kill", "delete": "Delete"}[deed],
        "name": name,
        "deed": deed,
        "wanted": wanted,
        "commands": [_as_command(each, deed, wanted) for each in sets_for(name, deed)],
        "python": [_as_python(each, deed, wanted) for each in sets_for(name, deed)],
    }


def _as_command(name: str, deed: Deed, wanted: Filter) -> str:
    verb = "enqueue" if (name, deed) == ("scheduled", "retry") else deed
    quoted = "'" + wanted.text.replace("'", "'\\''") + "'"
    return f"kiq {name} {verb} " + (f"--filter {quoted}" if wanted else "--all")


def _as_python(name: str, deed: Deed, wanted: Filter) -> str:
    chosen = f"wanted={wanted.text!r}" if wanted else ""
    return f"kiq.api.{KINDS[name].jobs.__name__}().{deed}_all({chosen})"


def _effects(call: Call, plans: Sequence[Plan], queues: Counter[str]) -> Sequence[Effect]:
    trends = moment_of(call.fleet).trends
    looked = sum(each.looked_at for each in plans) or 1
    scale = sum(each.size for each in plans) / looked  # of what was not looked at: about the same
    found = []
    for queue, count in queues.most_common(8):
        trend, more = trends.get(queue), round(count * scale)
        rate = trend.leaving_rate if trend else 0.0
        found.append(Effect(queue, more, more / rate if rate else None))
    return found


def _chosen(call: Call, name: str, deed: Deed, places: Sequence[str]) -> Page:
    entries = [entry for entry in _entries(call, name, places) if entry is not None]
    values = {
        **_frame(name, deed, parse_filter(call.said("q"))),
        **{"at": 0.0, "count": len(entries), "exact": True, "looked_at": len(places)},
        **{"size": len(places), "rows": rows_of(entries, call.visitor), "classes": ()},
        "back": can_undo(len(entries), [entry.raw for entry in entries]),
        **{"effects": (), "typed": False, "rates": (), "places": places},
        **{"commands": (), "python": ()},
    }
    return Page("plan.html", values)


def _do_chosen(call: Call, name: str, deed: Deed, places: Sequence[str]) -> Done:
    done = gone = refused = 0
    for entry in _entries(call, name, places):
        try:
            acted = entry is not None and _DO[deed](entry)
        except (UndecodablePayload, StoreError):
            refused += 1
            continue
        done, gone = (done + 1, gone) if acted else (done, gone + 1)
    past = {"retry": "are in their queues", "kill": "are dead", "delete": "are deleted"}[deed]
    words = f"{counted(done, 'job')} {past}"
    if gone:
        words += f", {gone} gone: another process or person was quicker"
    if refused:
        words = f"failed: {words}, {refused} can't: they name no queue, or Redis refuses them"
    return Done(words, name, {"q": call.said("q")})


_DO: Mapping[Deed, Callable[[SortedEntry], bool]] = {
    "retry": SortedEntry.retry,
    "kill": functools.partial(SortedEntry.kill, notify=False),
    "delete": SortedEntry.delete,
}


def _entries(call: Call, name: str, places: Sequence[str]) -> Sequence[SortedEntry | None]:
    jobs: JobSet = jobs_of(call, name)
    try:
        return [entry_at(jobs, place) for place in places]
    except ConfigError as error:
        raise NotFound(str(error)) from error


def _teller(call: Call, key: str) -> functools.partial[None]:
    return functools.partial(_tell, Activity(call.home), key)


def _tell(log: Activity, key: str, words: str) -> None:
    entry = log.find(key)
    if entry is not None:
        log.end(entry, words)
