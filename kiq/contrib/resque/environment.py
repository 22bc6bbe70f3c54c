"""The variables that ``rake resque:work`` reads, in terms of ``kiq run``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import ConfigError
from .patterns import split

#: What does nothing here, and why.
_WITHOUT_EFFECT = {
    "FORK_PER_JOB": "jobs run on threads; COUNT=3 kiq resque workers starts three processes",
    "TERM_CHILD": "there is no child for a job: TERM lets jobs end for shutdown_timeout",
    "GRACEFUL_TERM": "TERM is always in order: running jobs have shutdown_timeout, then go back",
    "RUN_AT_EXIT_HOOKS": 'write @kiq.host.on("exit")',
    "RESQUE_PRE_SHUTDOWN_TIMEOUT": "the setting shutdown_timeout, or -t, is all of the time",
    "RESQUE_PROCLINE_PREFIX": "the setting tag is shown in the title",
    "PRELOAD": "the application is always loaded before jobs run",
    "MIN_INTERVAL": "an idle worker is woken by the push",
    "MAX_INTERVAL": "an idle worker is woken by the push",
    "BACKOFF_INTERVAL": "an idle worker is woken by the push",
    "DYNAMIC_SCHEDULE": "schedules are always dynamic",
    "RESQUE_SCHEDULER_INTERVAL": "jobs are promoted when they are due",
}
_TRUE = ("1", "yes", "true", "on")


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker is to be started: *flags* of ``kiq run``, *variables* of kiq's, *notices* for people."""

    flags: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    background: bool = False


def start_of(environ: Mapping[str, str], *, several: bool) -> Start:
    """Return how to start one worker, or *several*: ``COUNT``. Raises ConfigError."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    queues = given.get("QUEUES") or given.get("QUEUE")
    patterns = split([queues or ""])
    if not any(not each.startswith("!") for each in patterns):
        command = "workers" if several else "work"
        raise ConfigError(
            f"set QUEUE: QUEUE=email kiq resque {command}, QUEUES=critical,high or QUEUE='*'"
        )
    start = Start(background=_truth(given, "BACKGROUND"))
    for each in patterns:
        if not each.startswith("!"):
            start.flags.extend(("-q", each))
    start.variables.update(KIQ_RESQUE_QUEUES=",".join(patterns), KIQ_RESQUE_SIGNALS="true")
    _add_count(start, given, several)
    if given.get("INTERVAL") in ("0", "0.0"):
        start.flags.append("--drain")
    elif "INTERVAL" in given:
        start.notices.append("INTERVAL does nothing: an idle worker is woken by the push")
    if "PIDFILE" in given:
        start.flags.extend(("--pidfile", given["PIDFILE"]))
    if "RESQUE_TERM_TIMEOUT" in given:
        start.flags.extend(("-t", given["RESQUE_TERM_TIMEOUT"]))
    if _truth(given, "VVERBOSE"):
        start.flags.append("-v")
    elif _truth(given, "VERBOSE") and "KIQ_LOG_LEVEL" not in given:
        start.variables["KIQ_LOG_LEVEL"] = "info"
    found = [name for name in _WITHOUT_EFFECT if name in given]
    start.notices.extend(f"{name} does nothing: {_WITHOUT_EFFECT[name]}" for name in found)
    return start


def _add_count(start: Start, given: Mapping[str, str], several: bool) -> None:
    count = given.get("COUNT", "")
    if not several:
        if count:
            start.notices.append("COUNT counts for `kiq resque workers`; this is one worker")
        return
    if not count.isdecimal() or int(count) < 1:
        raise ConfigError(
            f"COUNT must be a number of workers: COUNT=3 kiq resque workers, not {count!r}"
        )
    start.flags.extend(("--processes", count))


def _truth(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "").lower() in _TRUE
