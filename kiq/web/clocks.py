"""Times as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

_UNKNOWN = "?"


def iso_time(at: float) -> str:
    """Return epoch seconds as ``2026-12-01T09:30:00Z``; ``?`` for what is no time."""
    return _written(at, "%Y-%m-%dT%H:%M:%SZ")


def clock_time(at: float, days: bool = False) -> str:
    """Return the time of day of epoch seconds, in UTC: ``09:30``; with *days* ``1 Dec 09:30``."""
    return _written(at, "%-d %b %H:%M" if days else "%H:%M")


def zone_time(at: float, zone: str, seconds: bool = False) -> str:
    """Return epoch seconds in the time zone *zone*, as ``Tue 1 Dec 10:30``; ``?`` for what is none."""
    try:
        return _written(at, "%a %-d %b %H:%M:%S" if seconds else "%a %-d %b %H:%M", ZoneInfo(zone))
    except (KeyError, ValueError, OSError):  # no such zone; a path that is none; a folder
        return _UNKNOWN


def _written(at: float, form: str, zone: tzinfo = UTC) -> str:
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (ValueError, OverflowError, OSError):
        return _UNKNOWN
