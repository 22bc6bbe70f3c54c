"""The routes of the JSON API."""

from __future__ import annotations

from collections.abc import Sequence

from ..answers import Data
from ..calls import Call
from ..routing import Route, Section
from . import shapes, sidekiq, views
from .openapi import BASE, document

_FILTER = {"q": "a filter: class:Mail error:timeout age>2h"}
_PAGE = {"limit": "jobs of a page, at most 100"}
_WHICH = {"set": "retries, scheduled, dead or failures", "deed": "retry, kill or delete"}


def _at(path: str) -> str:
    return BASE + path


DATA = Section(
    "data",
    "",
    (
        Route("data.stats", _at("/stats"), views.stats, answers=shapes.StatsShape),
        Route("data.attention", _at("/attention"), views.attention, answers=shapes.AttentionShape),
        Route("data.queues", _at("/queues"), views.queues, answers=shapes.QueuesShape),
        Route(
            "data.queue",
            _at("/queue"),
            views.queue,
            answers=shapes.QueueJobsShape,
            takes={"name": "of the queue", "start": "how many jobs to leave out first", **_PAGE},
        ),
        Route("data.processes", _at("/processes"), views.processes, answers=shapes.ProcessesShape),
        Route(
            "data.set",
            _at("/sets/<set>"),
            views.jobs_in_set,
            answers=shapes.SetShape,
            takes={**_FILTER, "from": "`next` of the page before", **_PAGE},
        ),
        Route("data.job", _at("/jobs/<jid>"), views.job, answers=shapes.WhereShape),
        Route("data.failures", _at("/failures"), views.failures, answers=shapes.FailuresShape),
        Route(
            "data.plan",
            _at("/plan"),
            views.planned,
            answers=shapes.PlanShape,
            takes={**_WHICH, **_FILTER},
        ),
        Route(
            "data.bulk",
            _at("/bulk"),
            views.bulk,
            answers=shapes.CourseShape,
            takes={"id": "of the act: `query.id` of its outcome"},
        ),
        Route(
            "data.activity",
            _at("/activity"),
            views.activity,
            answers=shapes.ActivityShape,
            takes={"limit": "entries, at most 1,000"},
        ),
        Route("sidekiq.stats", "/stats", sidekiq.stats),
        Route("sidekiq.queues", "/stats/queues", sidekiq.queues),
    ),
    "data.stats",
)


def described(sections: Sequence[Section]) -> Section:
    """Return the section that answers with the OpenAPI document of all that *sections* have."""
    routes = [route for section in sections for route in section.routes]

    def openapi(call: Call) -> Data:
        return Data(document(routes, call.request.root_path.rstrip("/")))

    name = "data.openapi"
    return Section(name, "", (Route(name, _at("/openapi.json"), openapi),), name)
