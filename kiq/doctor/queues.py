"""Whether each queue is taken, whether its jobs wait for too long, whether it grows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from ..api import QueueSummary, Trend
from ..wording import counted, did_you_mean, duration, rate, visible
from .finding import Finding, Level
from .fleet_facts import FleetFacts

_MOST_NAMES = 3
_LONG = (
    30.0  # seconds that the oldest job of a queue without a promise may wait while the queue grows
)
_QUIET = 60.0  # seconds that a queue may have nobody but who is quiet: a deployment takes as long
_FRESH = 60.0  # seconds in which a fleet that has just started catches up


def queues(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether each queue that holds jobs is taken."""
    if facts.there:
        yield from _untaken(facts)
    paused = [queue for queue in facts.queues if queue.paused]
    if paused:
        names = ", ".join(visible(queue.name) for queue in paused[:_MOST_NAMES])
        jobs = sum(queue.size for queue in paused)
        what = f"{counted(len(paused), 'queue')} paused ({names}), with {counted(jobs, 'job')}"
        yield Finding("paused", "warning" if jobs else "note", what, "kiq unpause NAME")


def _untaken(facts: FleetFacts) -> Iterator[Finding]:
    taken = _taken(facts)
    left = [queue for queue in facts.queues if queue.size and queue.name not in taken]
    for queue in left[:_MOST_NAMES]:
        name = visible(queue.name)
        there = f"{counted(queue.size, 'job')} there, the oldest for {duration(queue.latency)}"
        trend = facts.trends.get(queue.name)
        if trend is not None and trend.left_lately:
            what = f"no process takes queue {name} at this moment: {there}; one did a minute ago"
            yield Finding("untaken-queue", "note", what, "look again in a minute", queue.name)
            continue
        word = shlex.quote(name)
        advice = f"add it to queues:, or start kiq -q {word}; or kiq clear-queue {word}"
        near = did_you_mean(queue.name, sorted(taken))
        what = f"no process takes queue {name}: {there}{near}"
        yield Finding("untaken-queue", "danger", what, advice, queue.name)
    if len(left) > _MOST_NAMES:
        what = f"{len(left) - _MOST_NAMES} more queues are taken by no process"
        yield Finding("untaken-queue", "danger", what, "kiq queues lists them")
    elif not left:
        yield Finding(
            "queues", "ok", f"{counted(len(facts.queues), 'queue')}, none without a process"
        )
    yield from _with_quiet_ones_only(facts)


def _with_quiet_ones_only(facts: FleetFacts) -> Iterator[Finding]:
    awake = {name for process in facts.there if not process.quiet for name in process.queues}
    if not awake:
        return  # all are quiet: that is said of the processes
    left = [
        queue
        for queue in facts.queues
        if queue.size and queue.latency > _QUIET and not queue.paused
        if queue.name in _taken(facts) - awake
    ]
    for queue in left[:_MOST_NAMES]:
        what = f"only processes that are quiet have queue {visible(queue.name)}: {_waiting(queue)}"
        yield Finding("quiet-queue", "warning", what, "start new workers for it", queue.name)


def promises(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether jobs wait for longer than was promised, and whether queues grow."""
    served = [queue for queue in facts.queues if not queue.paused and queue.name in _taken(facts)]
    late = [each for each in served if each.latency > facts.latencies.get(each.name, float("inf"))]
    late.sort(key=lambda each: -each.latency / facts.latencies[each.name])
    for queue in late[:_MOST_NAMES]:
        yield _late(queue, facts)
    if len(late) > _MOST_NAMES:
        levels = [_how_bad(facts.trends.get(each.name), facts) for each in late[_MOST_NAMES:]]
        level: Level = "danger" if "danger" in levels else "warning"
        what = f"{counted(len(levels), 'more queue is', 'more queues are')} late"
        yield Finding("late", level, what, "kiq queues lists them")
    elif facts.latencies and not late:
        many = counted(len(facts.latencies), "queue")
        yield Finding("late", "ok", f"no job waits for longer than was promised, of {many}")
    yield from _growing([queue for queue in served if queue not in late], facts)


def _late(queue: QueueSummary, facts: FleetFacts) -> Finding:
    trend = facts.trends.get(queue.name)
    level = _how_bad(trend, facts)
    promised = duration(facts.latencies[queue.name])
    what = f"queue {visible(queue.name)} is late: {_waiting(queue)}; {promised} is promised"
    what += _course(trend)
    return Finding("late", level, what, _WORK_OFF if level == "warning" else _MORE, queue.name)


def _how_bad(trend: Trend | None, facts: FleetFacts) -> Level:
    """Tell danger from what passes: a burst that is worked off, a fleet that has only begun."""
    starts = [each.started_at for each in facts.there if each.started_at is not None]
    fresh = bool(starts) and facts.now - min(starts) < _FRESH
    passes = trend is None or trend.direction in ("draining", "unknown")
    return "warning" if fresh or passes else "danger"


def _growing(queues: Sequence[QueueSummary], facts: FleetFacts) -> Iterator[Finding]:
    growing = [each for each in queues if _grows(facts.trends.get(each.name)) and each.size]
    growing.sort(key=lambda each: -each.latency)
    for queue in growing[:_MOST_NAMES]:
        promised = facts.latencies.get(queue.name)
        long = queue.latency > (_LONG if promised is None else promised / 2)
        what = f"queue {visible(queue.name)} grows: {_waiting(queue)}"
        what += _course(facts.trends[queue.name])
        yield Finding("growing", "warning" if long else "note", what, _MORE, queue.name)
    if len(growing) > _MOST_NAMES:
        what = f"{len(growing) - _MOST_NAMES} more queues grow"
        yield Finding("growing", "note", what, "kiq stats shows trends")


_MORE = (
    "more threads (kiq scale all N), more workers, or find what takes so long: kiq ps --jobs; kiq stats "
    "--watch shows what comes and goes"
)
_WORK_OFF = "look again soon; more threads (kiq scale all N) or workers make it shorter"


def _grows(trend: Trend | None) -> bool:
    return trend is not None and trend.direction == "growing"


def _waiting(queue: QueueSummary) -> str:
    if queue.size == 1:
        return f"1 job has waited for {duration(queue.latency)}"
    return f"the oldest of {counted(queue.size, 'job')} has waited for {duration(queue.latency)}"


def _course(trend: Trend | None) -> str:
    if trend is None or trend.direction == "unknown":
        return ""
    left = trend.seconds_to_drain
    if left is not None:
        return f"; it drains, and is empty in {duration(left)} if that goes on"
    come, go = rate(trend.arrival_rate), rate(trend.leaving_rate)
    return f"; {come} come and {go} leave it, over {duration(trend.span)}"


def _taken(facts: FleetFacts) -> set[str]:
    found: set[str] = set()
    takers: Iterable[set[str]] = (process.queues for process in facts.there)
    return found.union(*takers)
