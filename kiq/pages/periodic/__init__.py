"""The pages of periodic jobs: what runs when, how it went, and by hand: run, pause, resume."""

from __future__ import annotations

from importlib import resources

from ...web import Route, Section
from . import views

_NAME = {"name": "of the periodic job"}

SECTION = Section(
    "periodic",
    "Periodic",
    (
        Route("periodic", "/periodic", views.overview),
        Route("periodic.one", "/periodic/one", views.one),
        Route("periodic.run", "/periodic/run", views.run, "enqueue", "POST", _NAME),
        Route("periodic.pause", "/periodic/pause", views.pause, "pause", "POST", _NAME),
        Route("periodic.resume", "/periodic/resume", views.resume, "pause", "POST", _NAME),
    ),
    "periodic",
    templates=resources.files(__package__) / "templates",
)
