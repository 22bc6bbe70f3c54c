"""Activity: who did what by the UI."""

from __future__ import annotations

from ..activity import Activity
from ..answers import Page
from ..calls import Call


def activity(call: Call) -> Page:
    """Show the log, the newest first. One round trip."""
    entries = Activity(call.home).entries(200)
    return Page("activity.html", {"title": "Activity", "entries": entries})
