"""The keys of limits."""

from __future__ import annotations

from ... import keys

#: Sorted set of the limits that are in use, ``KIND:NAME:KEY``, score = when one was last asked, seconds.
LIMITS = "kiq:limits"


def of(limit: str) -> tuple[str, ...]:
    """Return the keys of *limit*, in the order in which the pieces of Lua take them.

    Who is in it (or how much), the line of those that wait, their bytes in the scheduled set, those
    that were called; the numbers in force, which all limits of a kind and name share; what is said of it.
    """
    parts = ("in", "line", "parked", "called")
    terms = ":".join(limit.split(":", 2)[:2])
    return (
        *(f"kiq:limit-{part}:{limit}" for part in parts),
        f"kiq:limit-terms:{terms}",
        f"kiq:limit-facts:{limit}",
    )


#: What those that are called are moved in, and who hears of it.
CALLING = (keys.SCHEDULE, keys.bell(keys.POLLER_BELL))
