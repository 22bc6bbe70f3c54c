"""Static and dynamic schedules, on kiq's periodic jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...api import PeriodicJob, PeriodicSet
from ...config_file import read
from ...config_file.named import plain_of
from ...errors import ConfigError
from ...plugins.declared.periodic import periodic
from ...registry import JobSpec, registry
from .finding import config_in_use
from .job_classes import job_of
from .schedule_entry import Entry, entry_of
from .settings import ResqueSettings, static


def use_schedule(given: Any) -> None:
    """Take the entries of a static schedule: by name, each as in a file. Raises ConfigError."""
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"resque.schedule is a mapping of names, each with its entry, not {given!r}"
        )
    static.clear()
    for name, config in given.items():
        static[str(name)] = _entry(str(name), config)


def load_schedule(path: str) -> None:
    """Take the entries of a YAML file as resque-scheduler has it, beside those that are there.

    Raises ConfigError for what is wrong, with its file.
    """
    static.update(_of_file(path))


def declare_static() -> int:
    """Declare the entries of code and file to kiq, whose classes are all known now; return how many.

    Entries of other environments are left out. Raises ConfigError.
    """
    config = config_in_use()
    given = config.of(ResqueSettings)
    entries = {**static, **(_of_file(given.schedule_file) if given.schedule_file else {})}
    entries |= given.schedule or {}
    found = [one for one in entries.values() if one.counts_in(config.environment)]
    for one in found:
        periodic(name=one.name, **one.written)(_handle(one))
    return len(found)


def set_schedule(name: str, config: Mapping[str, Any]) -> PeriodicJob | None:
    """Add a dynamic schedule, or put another in its place; it is in force at once, and stays in Redis.

    None where it is for other environments than this. Raises ConfigError, also for one of a file or
    of code.
    """
    one = _entry(name, config)
    if not one.counts_in(config_in_use().environment):
        return None
    return PeriodicSet().add(name, _known(one.job) or one.job, replace=True, **one.written)


def fetch_schedule(name: str) -> dict[str, Any] | None:
    """Return a schedule, static or dynamic, as it is in Redis; None if there is none of that name."""
    found = PeriodicSet().get(name)
    return _shown(found) if found is not None else None


def get_schedules() -> dict[str, dict[str, Any]]:
    """Return all schedules in Redis, by name."""
    return {one.name: _shown(one) for one in PeriodicSet()}


def remove_schedule(name: str) -> bool:
    """Take a schedule out; False if it was not there. One of a file or of code comes back: pause that."""
    found = PeriodicSet().get(name)
    return found is not None and found.remove()


def queue_now(name: str) -> str | None:
    """Push the job of a schedule now, whatever its plan, which stays; return the jid.

    Raises ConfigError where there is no such schedule.
    """
    found = PeriodicSet().get(name)
    if found is None:
        raise ConfigError(f"there is no schedule {name!r}; resque.get_schedules() has them")
    return found.run()


def last_enqueued_at(name: str) -> datetime | None:
    """Return when the job of a schedule was pushed last; None if it never was."""
    found = PeriodicSet().get(name)
    ticks = found.history() if found is not None else []
    when = next((tick.decided_at for tick in ticks if tick.what in ("run", "by_hand")), None)
    return None if when is None else datetime.fromtimestamp(when, UTC)


def _entry(name: str, config: Any) -> Entry:
    if not isinstance(config, Mapping):
        raise ConfigError(f"the schedule {name!r} must be a mapping, not {config!r}")
    try:
        return entry_of(name, config)
    except ValueError as error:
        key = getattr(error, "key", "")
        raise ConfigError(f"the schedule {name!r}: {f'{key} ' if key else ''}{error}") from None


def _of_file(path: str) -> dict[str, Entry]:
    document = read(path)
    if document.problems:
        raise ConfigError("\n".join(str(each) for each in document.problems))
    found = {} if document.tree is None else plain_of(document.tree)
    try:
        return {name: _entry(name, config) for name, config in found.items()}
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _handle(one: Entry) -> Any:
    known = _known(one.job)
    if known is None:
        raise ConfigError(
            f"the schedule {one.name!r}: no job class named {one.job!r} is here; import its module, or "
            "write its whole name, as in class: app.jobs.MyJob"
        )
    return known


def _known(job: Any) -> Any:
    """Return what pushes *job*: a class, or its name, with its module or without. None if it is unknown."""
    if not isinstance(job, str):
        job_of(job)
        return job
    name = job.replace("::", ".")
    spec = registry.find(name)
    if spec is None:
        spec = _only(each for each in registry.all() if f".{each.name}".endswith(f".{name}"))
    return spec.handle if spec is not None else None


def _only(found: Iterable[JobSpec]) -> JobSpec | None:
    each = list(found)
    if len(each) > 1:
        names = ", ".join(sorted(one.name for one in each))
        raise ConfigError(f"several job classes have that name: {names}; write one of these whole")
    return each[0] if each else None


def _shown(found: PeriodicJob) -> dict[str, Any]:
    one = found.definition
    if one is None:
        return {"problem": found.problem}
    rule = {"cron": one.rule.cron} if one.rule.cron else {"every": f"{one.rule.every}s"}
    payload = one.payload
    return {
        **rule,
        "timezone": one.rule.timezone,
        "class": payload["class"],
        "args": list(payload.get("args", ())),
        "queue": payload.get("queue"),
        "description": one.description,
    }
