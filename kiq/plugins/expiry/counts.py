"""How many jobs have expired, by class."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...api.home import connection
from ...clock import wall
from . import keys


def expired_jobs(days: int = 1, client: Any = None) -> dict[str, int]:
    """Return how many jobs of each class have expired today, or in so many *days* (90 are kept), UTC.

    *client* as for :func:`kiq.api.connection`. One round trip.
    """
    now, home = wall(), connection(client)
    found: Counter[str] = Counter()
    for reply in home.exchange([("HGETALL", keys.expired(now, ago)) for ago in range(days)]):
        for name, count in zip(reply[::2], reply[1::2], strict=True):
            found[name.decode(errors="replace")] += int(count)
    return dict(found)
