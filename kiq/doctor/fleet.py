"""Whether there are processes for the jobs, and whether they go together."""

from __future__ import annotations

from collections.abc import Iterator

from ..store.processes import sidekiq_of
from ..wording import counted, duration, number, visible
from .finding import Finding, Level
from .fleet_facts import FleetFacts, ProcessFacts

_AHEAD, _BEHIND = (
    2.0,
    5.0,
)  # seconds that the time in a beat may be off: it takes a moment to arrive
_MOST_NAMES = 3
_DEPLOYED = 3600.0  # seconds since the last process began, after which a deployment is over


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
    found = facts.there
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


def silence(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether each process gives signs of life, and whether its clock is right."""
    silent = [each for each in facts.there if each.state == "silent"]
    for each in silent[:_MOST_NAMES]:
        what = f"no sign of life from {visible(each.identity)} for {duration(each.silence)}"
        yield Finding("silent", "warning", what, _SILENT, each.identity)
    if len(silent) > _MOST_NAMES:
        what = f"no sign of life from {len(silent) - _MOST_NAMES} more processes either"
        yield Finding("silent", "warning", what, _SILENT)
    # What it wrote as its time, less when that came to Redis: how far its clock is ahead.
    wrong = {
        each.identity: each.beat - (facts.now - each.silence)
        for each in facts.there
        if each.beat and each.state != "silent"
    }
    wrong = {name: off for name, off in wrong.items() if not -_BEHIND <= off <= _AHEAD}
    if wrong:
        worst = max(wrong, key=lambda name: abs(wrong[name]))
        way = "ahead of" if wrong[worst] > 0 else "behind"
        what = f"the clock of {visible(worst)} is {duration(abs(wrong[worst]))} {way} Redis's"
        what += f", and those of {len(wrong) - 1} more are wrong" if len(wrong) > 1 else ""
        yield Finding("worker-clocks", "warning", what, _CLOCKS, worst)


_SILENT = (
    "it hangs, or can't reach Redis, or its machine is gone: look at its log and its machine; others "
    "take its jobs when its lease has run out"
)
_CLOCKS = "let NTP (chrony, systemd-timesyncd) set the clocks of all machines"
_START = "start one: kiq -C config/kiq.yml"


def companions(facts: FleetFacts) -> Iterator[Finding]:
    """Judge whether the processes may share this database."""
    ours = [process for process in facts.there if process.is_kiq]
    ruby = [process for process in facts.there if not process.is_kiq]
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
    yield from _versions(facts, ours)


def _versions(facts: FleetFacts, ours: list[ProcessFacts]) -> Iterator[Finding]:
    """Judge whether a deployment was finished; while it goes on, several versions are no fault."""
    starts = [each.started_at for each in ours if each.started_at is not None]
    settled = bool(starts) and facts.now - max(starts) > _DEPLOYED
    for check, field, what in (
        ("versions", "version", "kiq"),
        ("pythons", "python", "Python"),
        ("tags", "tag", "the application (tags)"),
    ):
        found: dict[str, list[ProcessFacts]] = {}
        for process in ours:
            name = str(process.info.get(field) or "")
            if name or check == "versions":
                found.setdefault(name or "?", []).append(process)
        if len(found) < 2:
            continue
        fewest = min(found.values(), key=len)
        listed = ", ".join(f"{visible(name)} ({len(found[name])})" for name in sorted(found)[:5])
        said = f"workers run several versions of {what}: {listed}"
        level: Level = "note"
        if settled and check == "versions":
            level = "warning"
            said += f"; the last one began {duration(facts.now - max(starts))} ago"
        advice = f"fine during a deployment; finish it: {_named(fewest)}"
        yield Finding(check, level, said, advice)


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
    if facts.there:
        what += ": the other processes give them back, as a rule within 75 s"
        yield Finding(
            "orphans", "warning", what, "run this again in two minutes; then look at the logs"
        )
    else:
        what += ", and no process runs that could give them back"
        yield Finding("orphans", "danger", what, _START)


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
                _START if not facts.there else "look at the workers' logs for the poller",
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


def _named(found: list[ProcessFacts]) -> str:
    names = ", ".join(visible(each.identity) for each in found[:_MOST_NAMES])
    return names + (f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else "")
