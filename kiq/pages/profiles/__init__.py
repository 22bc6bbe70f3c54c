"""The pages of profiles: which are kept, and each as a flame graph. Nothing leaves for another site."""

from __future__ import annotations

from importlib import resources

from ...web import Route, Section
from . import views

_KEY = {"key": "of the profile: its token, a hyphen, its jid"}

SECTION = Section(
    "profiles",
    "Profiles",
    (
        Route("profiles", "/profiles", views.overview),
        Route("profiles.one", "/profiles/one", views.one),
        Route("profiles.document", "/profiles/document", views.document),
        Route("profiles.delete", "/profiles/deleted", views.delete, "delete", "POST", _KEY),
    ),
    "profiles",
    templates=resources.files(__package__) / "templates",
)
