"""The pages of batches: how far they are, what became of their jobs, what is within them; cancelling."""

from __future__ import annotations

from importlib import resources

from ...web import Route, Section
from . import acts, views

_BID = {"bid": "id of the batch"}

SECTION = Section(
    "batches",
    "Batches",
    (
        Route("batches", "/batches", views.overview),
        Route("batches.one", "/batches/one", views.one),
        Route("batches.confirm", "/batches/cancel", acts.confirm, "cancel"),
        Route(
            "batches.cancel",
            "/batches/cancelled",
            acts.cancel,
            "cancel",
            "POST",
            {**_BID, "why": "what those read who ask"},
        ),
        Route("batches.forget", "/batches/forgotten", acts.forget, "delete", "POST", _BID),
    ),
    "batches",
    templates=resources.files(__package__) / "templates",
)
