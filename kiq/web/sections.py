"""The sections of kiq itself, in the order of the navigation; and those that others add."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, resources

from ..errors import ConfigError
from .data.section import DATA, described
from .fleets import Fleet
from .moments import moment_of
from .routing import Route, Section
from .views import bulk, doctor, failures, jobs, log, metrics, now, queues, running, sets
from .views.find import finder

_HERE = resources.files(__package__)


def _waiting(fleet: Fleet) -> int:
    return moment_of(fleet).stats.enqueued


def _busy(fleet: Fleet) -> int:
    return moment_of(fleet).busy


def _retries(fleet: Fleet) -> int:
    return moment_of(fleet).stats.retry_size


def _scheduled(fleet: Fleet) -> int:
    return moment_of(fleet).stats.scheduled_size


def _dead(fleet: Fleet) -> int:
    return moment_of(fleet).stats.dead_size


_QUEUE = {"name": "of the queue"}
_PAUSE = {**_QUEUE, "reason": "why, for those who wonder"}
_SIGNAL = {"identity": "of the process", "order": "quiet, stop or dump"}
_LABEL = {"label": "what the deploy is called"}
_ENTRY = {"set": "retries, scheduled or dead", "place": "`place` of the job"}
_MANY = {
    "set": "retries, scheduled, dead or failures",
    "deed": "the same as in the name of the act",
    "q": "a filter",
    "at": "`at` of the plan: what came or failed later is left alone",
    "rate": "jobs a second (0: as fast as it goes)",
    "place": "instead of a filter: places of jobs",
    "once": "a key of yours: what comes a second time under it is not done again",
}
_ON_ENTRIES = (
    Route("entry.retry", "/entry/retry", sets.retry, "retry", "POST", _ENTRY),
    Route("entry.kill", "/entry/kill", sets.kill, "delete", "POST", _ENTRY),
    Route("entry.delete", "/entry/delete", sets.delete, "delete", "POST", _ENTRY),
)
_ON_MANY = (
    Route("plan", "/plan", bulk.planned),
    Route("bulk", "/bulk", bulk.followed),
    Route("bulk.retry", "/bulk/retry", bulk.begin, "retry", "POST", _MANY),
    Route("bulk.kill", "/bulk/kill", bulk.begin, "delete", "POST", _MANY),
    Route("bulk.delete", "/bulk/delete", bulk.begin, "delete", "POST", _MANY),
    Route("bulk.stop", "/bulk/stop", bulk.halt, "retry", "POST", {"id": "of the act"}),
)
OWN: Sequence[Section] = (
    Section(
        "now",
        "Now",
        (Route("now", "/", now.now),),
        "now",
        templates=_HERE / "templates",
        assets=_HERE / "static",
        locales=_HERE / "locales",
    ),
    Section(
        "queues",
        "Queues",
        (
            Route("queues", "/queues", queues.queues),
            Route("queue", "/queue", queues.queue),
            Route("queue.pause", "/queue/pause", queues.pause, "pause", "POST", _PAUSE),
            Route("queue.unpause", "/queue/unpause", queues.unpause, "pause", "POST", _QUEUE),
            Route("queue.confirm", "/queue/clear", queues.confirm_clear, "delete"),
            Route("queue.clear", "/queue/cleared", queues.clear, "delete", "POST", _QUEUE),
        ),
        "queues",
        _waiting,
    ),
    Section(
        "running",
        "Running",
        (
            Route("running", "/running", running.running),
            Route("process.signal", "/process/signal", running.signal, "signal", "POST", _SIGNAL),
        ),
        "running",
        _busy,
    ),
    Section(
        "failures",
        "Failures",
        (Route("failures", "/failures", failures.failures), *_ON_MANY),
        "failures",
    ),
    Section(
        "retries",
        "Retries",
        (Route("retries", "/retries", sets.retries), *_ON_ENTRIES),
        "retries",
        _retries,
    ),
    Section(
        "scheduled",
        "Scheduled",
        (Route("scheduled", "/scheduled", sets.scheduled),),
        "scheduled",
        _scheduled,
    ),
    Section("dead", "Dead", (Route("dead", "/dead", sets.dead),), "dead", _dead),
    Section(
        "metrics",
        "Metrics",
        (
            Route("metrics", "/metrics", metrics.metrics),
            Route("metrics.class", "/metrics/class", metrics.job_class),
            Route("metrics.mark", "/metrics/mark", metrics.mark, "mark", "POST", _LABEL),
        ),
        "metrics",
    ),
    Section("jobs", "", (Route("job", "/jobs/<jid>", jobs.job),), "job"),
    DATA,
    Section("redis", "Redis", (Route("redis", "/redis", doctor.redis),), "redis"),
    Section(
        "activity",
        "Activity",
        (
            Route("activity", "/activity", log.activity),
            Route(
                "undo",
                "/undo",
                log.undo_act,
                "retry",
                "POST",
                {"act": "`undo` of what is told by `/activity`"},
            ),
        ),
        "activity",
    ),
)


def all_sections() -> Sequence[Section]:
    """Return kiq's own sections and those of installed packages, under the entry point group ``kiq.web``.

    Raises ConfigError for a name or a path that two of them want, with both.
    """
    added = [point.load() for point in metadata.entry_points(group="kiq.web")]
    sections = [*OWN[:-2], *added, *OWN[-2:]]  # Redis, and who did what, stand last
    taken: dict[tuple[str, str], str] = {}
    for section in sections:
        for route in section.routes:
            for what in (("name", route.name), (route.method, route.path)):
                if what in taken:
                    raise ConfigError(
                        f"the web sections {taken[what]!r} and {section.name!r} both have the route"
                        f" {what[1]!r}: one of the packages must give way"
                    )
                taken[what] = section.name
    found = Section("find", "", (Route("find", "/find", finder(sections)),), "find")
    return [*sections, found, described(sections)]
