"""The pages of limits: how full they are, who is in, who waits; and how to open one again."""

from __future__ import annotations

from importlib import resources

from ...web import Route, Section
from . import views

_ID = {"id": "of the limit: KIND:NAME:KEY"}

SECTION = Section(
    "limits",
    "Limits",
    (
        Route("limits", "/limits", views.overview),
        Route("limits.one", "/limits/one", views.one),
        Route("limits.confirm", "/limits/reset", views.confirm, "delete"),
        Route("limits.reset", "/limits/opened", views.reset, "delete", "POST", _ID),
    ),
    "limits",
    templates=resources.files(__package__) / "templates",
)
