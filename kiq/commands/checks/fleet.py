"""Whether there are processes for the jobs, and whether they go together."""

from __future__ import annotations

from collections.abc import Iterator

from ...store.processes import sidekiq_of
from ..text import counted, duration, number, visible
from .finding import Finding
from .fleet_facts import FleetFacts, ProcessFacts

_AHEAD, _LATE = 2.0, 20.0  # seconds that a beat may be off
_MOST_NAMES = 3


def unread(facts: FleetFacts) -> Iterator[Finding]:
    """Tell what could not be looked at: a key of another type, a command that is refused."""
    for each in facts.unread[:_MOST_NAMES]:
        yield Finding(
            "unread",
            "danger",
            f"can't be read: {visible(each)}",
            "if the user may not read it, allow it; if it is not kiq's, give kiq a database of its own",
        )
    if len(facts.unread) > _MOST_NAMES:
        what = f"{len(facts.unread) - _MOST_NAMES} more can't be read"
        yield Finding("unread", "danger", what, "begin with those above")


def processes(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether workers run and are awake."""
    waiting = sum(queue.size for queue in facts.queues) + sum(
        facts.sets.get(name, (0, None))[0] for name in ("schedule", "retry")
    )
    found = _there(facts)
    dead = [each for each in facts.processes if each.state == "dead"]
    if dead:
        what = f"{_named(dead)} died within the last minute"
        yield Finding("died", "warning", what, "look at its log, and at what ended it (dmesg: OOM)")
    if not found:
        what = "no worker process runs"
        if waiting:
            what += f", with {counted(waiting, 'job')} waiting"
            yield Finding("processes", "danger", what, _START)
        else:
            yield Finding("processes", "note", what, _START)
        return
    if all(process.quiet for process in found):
        what = f"all of {counted(len(found), 'process', 'processes')} are quiet: nobody takes jobs"
        yield Finding("processes", "danger" if waiting else "warning", what, _START)
    else:
        yield Finding(
            "processes", "ok", f"{counted(len(found), 'worker process', 'worker processes')}"
        )
    ahead = [each for each in found if each.beat - facts.now > _AHEAD]
    late = [each for each in found if each.state == "silent" or facts.now - each.beat > _LATE]
    if ahead:
        what = f"the clock of {_named(ahead)} is ahead of Redis's"
        yield Finding("worker-clocks", "warning", what, "let NTP set the clocks of all machines")
    if late:
        what = f"no sign of life from {_named(late)}, or its clock is behind Redis's"
        yield Finding("worker-clocks", "warning", what, "look at its log, and at its clock")


_START = "start one: kiq -C config/kiq.yml"


def companions(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether the processes may share this database."""
    ours = [process for process in _there(facts) if process.is_kiq]
    ruby = [process for process in _there(facts) if not process.is_kiq]
    codecs = sorted({str(process.info.get("codec", "?")) for process in ours})
    if ruby and (set(codecs) - {"json"} or facts.codec != "json"):
        yield Finding(
            "ruby-server",
            "danger",
            f"a Ruby Sidekiq server works on this database ({_named(ruby)}), and not all here is "
            "codec: json: its poller loses jobs that it can't read",
            "set codec: json in every kiq process and producer, or give Ruby a database of its own",
        )
    elif ruby:
        yield Finding(
            "ruby-server", "ok", f"a Ruby Sidekiq server is here too ({_named(ruby)}); codec json"
        )
    for process in ruby if facts.codec == "json" else ():
        version = sidekiq_of(process.info)
        if version != facts.sidekiq:
            yield Finding(
                "sidekiq-version",
                "warning",
                f"{_named([process])} is Ruby's Sidekiq {version}, and kiq writes for "
                f"{facts.sidekiq}: its pages show wrong times, no metrics or no busy jobs",
                f"set sidekiq: {version} in every kiq process and producer",
            )
    if len(codecs) > 1 or (codecs and codecs != [facts.codec]):
        what = (
            f"workers write {' and '.join(map(visible, codecs))}, this configuration {facts.codec}"
        )
        advice = "kiq reads both; say the same codec everywhere if other programs read the queues"
        yield Finding("codecs", "note", what, advice)
    versions = sorted({str(process.info.get("version", "?")) for process in ours})
    if len(versions) > 1:
        what = f"workers of several versions run: {', '.join(map(visible, versions))}"
        yield Finding("versions", "note", what, "fine during a deployment; finish it")


def owners(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether jobs are in the hands of processes that are gone."""
    everyone = {*facts.known, *facts.holding}
    gone = {each for each in everyone if each not in facts.live or each in facts.dead}
    jobs = sum(facts.holding.get(owner, 0) for owner in gone)
    held = sum(facts.holding.values()) - jobs
    if not jobs:
        yield Finding(
            "orphans", "ok", f"{counted(held, 'job')} in hand, none of them of a dead process"
        )
        return
    holders = sum(bool(facts.holding.get(owner)) for owner in gone)
    what = f"{counted(jobs, 'job')} in the hands of {counted(holders, 'dead owner')}"
    if _there(facts):
        what += ": the other processes give them back, as a rule within 75 s"
        yield Finding(
            "orphans", "warning", what, "run this again in two minutes; then look at the logs"
        )
    else:
        what += ", and no process runs that could give them back"
        yield Finding("orphans", "danger", what, _START)


def queues(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether each queue that holds jobs is taken."""
    taken: set[str] = set()
    for process in _there(facts):
        taken |= process.queues
    if _there(facts):
        left = [queue for queue in facts.queues if queue.size and queue.name not in taken]
        for queue in left[:_MOST_NAMES]:
            yield Finding(
                "untaken-queue",
                "danger",
                f"no process takes queue {visible(queue.name)}: {counted(queue.size, 'job')} there, "
                f"the oldest for {duration(queue.latency)}",
                f"add it to queues:, or start kiq -q {visible(queue.name)}; or kiq clear-queue "
                f"{visible(queue.name)}",
            )
        if len(left) > _MOST_NAMES:
            what = f"{len(left) - _MOST_NAMES} more queues are taken by no process"
            yield Finding("untaken-queue", "danger", what, "kiq queues lists them")
        elif not left:
            yield Finding(
                "queues", "ok", f"{counted(len(facts.queues), 'queue')}, none without a process"
            )
    paused = [queue for queue in facts.queues if queue.paused]
    if paused:
        names = ", ".join(visible(queue.name) for queue in paused[:_MOST_NAMES])
        jobs = sum(queue.size for queue in paused)
        what = f"{counted(len(paused), 'queue')} paused ({names}), with {counted(jobs, 'job')}"
        yield Finding("paused", "warning" if jobs else "note", what, "kiq unpause NAME")


def sets(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether due jobs become due, and whether the dead set drops any."""
    for name in ("schedule", "retry"):
        size, lowest = facts.sets.get(name, (0, None))
        late = facts.now - lowest if lowest is not None else 0.0
        if late > 60:
            yield Finding(
                "overdue",
                "danger",
                f"the next of {counted(size, 'job')} in the set {name} is due since {duration(late)}: "
                "nobody promotes them",
                _START if not _there(facts) else "look at the workers' logs for the poller",
            )
        else:
            yield Finding(name, "ok", f"{counted(size, 'job')} in the set {name}")
    size, lowest = facts.sets.get("dead", (0, None))
    limits = facts.dead_limits
    what = f"{counted(size, 'job')} in the set dead"
    if size >= limits.size:
        what += ": it is full, each new one drops the oldest"
        yield Finding("dead", "warning", what, _DEAD)
    elif size >= 0.9 * limits.size:
        what += f" of {number(limits.size)} that it keeps (dead_max_jobs)"
        yield Finding("dead", "warning", what, _DEAD)
    else:
        yield Finding("dead", "ok", what)


_DEAD = "look at them: kiq dead; then kiq dead retry or kiq dead delete; or raise dead_max_jobs"


def _there(facts: FleetFacts) -> list[ProcessFacts]:
    return [process for process in facts.processes if process.state != "dead"]


def _named(found: list[ProcessFacts]) -> str:
    names = ", ".join(visible(each.identity) for each in found[:_MOST_NAMES])
    return names + (f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else "")
