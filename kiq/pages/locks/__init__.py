"""The page of the locks of unique jobs: whose they are, since when, and how to free them."""

from __future__ import annotations

from importlib import resources

from ...web import Route, Section
from . import views

_LOCK = {
    "name": "of the lock",
    "jid": "of the job that has it",
    "moved": "`moved` of the lock: it is free of that state only",
}

SECTION = Section(
    "locks",
    "Locks",
    (
        Route("locks", "/locks", views.overview),
        Route("locks.free", "/locks/free", views.free, "delete", "POST", _LOCK),
        Route("locks.confirm", "/locks/all", views.confirm, "delete"),
        Route("locks.clear", "/locks/cleared", views.clear, "delete", "POST"),
    ),
    "locks",
    templates=resources.files(__package__) / "templates",
)
