"""Times as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

_UNKNOWN = "?"
_LONGEST = 60  # characters of the name of a zone


def iso_time(at: float) -> str:
    """Return epoch seconds as ``2026-12-01T09:30:00Z``; ``?`` for what is no time."""
    return _written(at, "%Y-%m-%dT%H:%M:%SZ")


def clock_time(at: float, days: bool = False, zone: str = "UTC") -> str:
    """Return the time of day of epoch seconds in *zone*: ``09:30``; with *days* ``1 Dec 09:30``.

    ``?`` for what is no time, or no zone.
    """
    known = _zone(zone)
    return _UNKNOWN if known is None else _written(at, "%-d %b %H:%M" if days else "%H:%M", known)


def zone_time(at: float, zone: str, seconds: bool = False) -> str:
    """Return epoch seconds in the time zone *zone*, as ``Tue 1 Dec 10:30``; ``?`` for what is none."""
    known = _zone(zone)
    form = "%a %-d %b %H:%M:%S" if seconds else "%a %-d %b %H:%M"
    return _UNKNOWN if known is None else _written(at, form, known)


def moved(at: datetime, zone: str) -> datetime:
    """Return a time, which has a zone, as it is in *zone*, if that is known; else in UTC."""
    return at.astimezone(_zone(zone) or UTC)


def known_zone(name: str) -> str:
    """Return *name* where it is that of a time zone that is known here, else ``UTC``."""
    return name if len(name) <= _LONGEST and _zone(name) is not None else "UTC"


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; a path that is none; a folder
        return None


def _written(at: float, form: str, zone: tzinfo = UTC) -> str:
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (ValueError, OverflowError, OSError):
        return _UNKNOWN
