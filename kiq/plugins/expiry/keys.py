"""The keys of expiry."""

from __future__ import annotations

from datetime import UTC, datetime

#: Seconds that the counts of a day are kept.
LIFE = 90 * 86_400
#: Begins the name of a hash for each UTC day: how many jobs of each class have expired.
EXPIRED = "kiq:expired:"


def expired(now: float, days_ago: int = 0) -> str:
    """Return the key for the UTC day of *now* (epoch seconds), or so many days before."""
    return f"{EXPIRED}{datetime.fromtimestamp(now - days_ago * 86_400, UTC):%Y-%m-%d}"
