"""Acts on jobs of the sorted sets: on chosen ones, and on all that a filter means."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...api import Deed as Kind
from ...api import Plan, SortedEntry, carry_out, parse_filter, plan
from ...errors import StoreError, UndecodablePayload
from ...wording import counted, duration, number
from ..fleets import Fleet
from ..moments import read_moment
from .deed import Deed, Scope, Steps, command
from .undoing import can_be_undone

_WITHIN = 0.5  # seconds that a plan may look
_TYPED = 1000  # jobs: to delete more, their number is typed
_NAMED = 10  # jobs whose jids a command names
_WORDS: Mapping[Kind, tuple[str, str]] = {
    "retry": ("Run now", "in their queues"),
    "kill": ("Kill", "dead"),
    "delete": ("Delete", "deleted"),
}
_DO: Mapping[Kind, Callable[[SortedEntry], bool]] = {
    "retry": SortedEntry.retry,
    "kill": functools.partial(SortedEntry.kill, notify=False),
    "delete": SortedEntry.delete,
}


def _chosen(kind: Kind, scope: Scope) -> Deed:
    entries: Sequence[SortedEntry] = scope.subjects
    what = counted(len(entries), "job")
    if len(entries) == 1:
        what = f"{entries[0].display_class} {entries[0].jid}"
    name = scope.rows[0].kind
    jids = [each.jid for each in entries if each.jid]
    commands = [command(name, verb(name, kind), *jids)] if 0 < len(jids) <= _NAMED else []
    undone = can_be_undone(len(entries), [each.raw for each in entries])
    do = functools.partial(_each, kind, entries)
    return Deed(f"{_WORDS[kind][0]} {what}?", do, [undone], commands)


def _each(kind: Kind, entries: Sequence[SortedEntry], steps: Steps) -> str:
    done = gone = 0
    refused: Counter[str] = Counter()
    for at, entry in enumerate(entries):
        try:
            acted = _DO[kind](entry)
        except (UndecodablePayload, StoreError) as error:
            refused[str(error)] += 1
        else:
            done, gone = (done + 1, gone) if acted else (done, gone + 1)
        if not steps(at + 1, len(entries), done):
            break
    words = f"{counted(done, 'job')} {_WORDS[kind][1]}"
    if gone:
        words += f", {number(gone)} gone: another process or person was quicker"
    return words + "".join(f"; not {count}: {why}" for why, count in refused.items())


@dataclass(frozen=True, slots=True)
class Part:
    """A set, and what is meant of it."""

    name: str
    wanted: str


def on_all(kind: Kind, fleet: Fleet, parts: Sequence[Part], at: float) -> Deed:
    """Return the question before *kind* is done to all that is meant. Looks for half a second a set."""
    plans = [
        (part, plan(fleet.jobs(part.name), kind, parse_filter(part.wanted), at, within=_WITHIN))
        for part in parts
    ]
    plans = [(part, found) for part, found in plans if found.count or not found.done] or plans
    parts = [part for part, _ in plans]
    count = sum(found.count for _, found in plans)
    exact = all(found.done or not part.wanted for part, found in plans)
    several = counted(count, "job") if exact else f"{number(count)} or more jobs"
    return Deed(
        f"{_WORDS[kind][0]} {several}?",
        functools.partial(_all, kind, fleet, parts, at),
        list(_details(kind, fleet, [found for _, found in plans], exact)),
        [_command(part, kind) for part in parts],
        str(count) if kind == "delete" and count > _TYPED else "",
    )


def _command(part: Part, kind: Kind) -> str:
    chosen = ("--filter", part.wanted) if part.wanted else ("--all",)
    return command(part.name, verb(part.name, kind), *chosen)


def _details(kind: Kind, fleet: Fleet, plans: Sequence[Plan], exact: bool) -> Sequence[str]:
    lines = []
    looked, size = (sum(getattr(each, name) for each in plans) for name in ("looked_at", "size"))
    classes = sum((Counter(each.classes) for each in plans), Counter[str]())
    if classes:
        told = ", ".join(f"{number(count)} {name}" for name, count in classes.most_common(4))
        whose = "of these" if looked >= size else f"of {number(looked)} looked at"
        lines.append(f"{whose}: {told}" + (", ..." if len(classes) > 4 else ""))
    if not exact:
        lines.append(f"{number(looked)} of {counted(size, 'job')} were looked at")
    if kind == "retry":
        queues = sum((Counter(each.queues) for each in plans), Counter[str]())
        lines += _effects(fleet, queues, size / looked if looked else 1.0)
    examples = [entry.raw for each in plans for entry in each.examples]
    undone = can_be_undone(sum(each.count for each in plans), examples)
    lines += ["what fails or comes from now on is left alone", undone]
    return lines


def _effects(fleet: Fleet, queues: Counter[str], scale: float) -> Sequence[str]:
    """Return what it means to queues; of what was not looked at as many, *scale* says, go to each."""
    trends = read_moment(fleet.home).trends
    found = []
    for name, count in queues.most_common(3):
        rate = trends[name].leaving_rate if name in trends else 0.0
        if rate:
            found.append(f"{name} needs {duration(count * scale / rate)} more, as it drains now")
    return found


def _all(kind: Kind, fleet: Fleet, parts: Sequence[Part], at: float, steps: Steps) -> str:
    done, left, stopped = 0, Counter[str](), False

    def step(looked_at: int, total: int, handled: int) -> bool:
        nonlocal stopped
        stopped = not steps(looked_at, total, done + handled)
        return not stopped

    for part in parts:
        wanted = parse_filter(part.wanted)
        acted = carry_out(fleet.jobs(part.name), kind, wanted, at, step)
        done += int(acted)
        left.update(acted.left)
        if stopped:
            break
    words = f"{counted(done, 'job')} {_WORDS[kind][1]}"
    words += "".join(f"; not {number(count)}: {why}" for why, count in left.items())
    return f"{words}; stopped, the rest is where it was" if stopped else words


def verb(name: str, kind: Kind) -> str:
    """Return what the command line calls *kind* in a set."""
    return "enqueue" if (name, kind) == ("scheduled", "retry") else kind


def _filtered(kind: Kind, scope: Scope) -> Deed:
    part = Part(scope.place.view, scope.place.wanted)
    return on_all(kind, scope.fleet, [part], scope.at)


retry = functools.partial(_chosen, "retry")
kill = functools.partial(_chosen, "kill")
delete = functools.partial(_chosen, "delete")
retry_all = functools.partial(_filtered, "retry")
kill_all = functools.partial(_filtered, "kill")
delete_all = functools.partial(_filtered, "delete")
