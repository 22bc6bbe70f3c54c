"""The Redis keys that moving jobs takes: Sidekiq's where Sidekiq has one, ``kiq:`` for the rest.

A feature has its own in a ``keys`` of its folder. A cancel is known here: a push, and a job that somebody
wants to run again, are exempt from it.

The wire format of Sidekiq 7 and 8 gives the names, types and life-times of the first group.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from urllib.parse import unquote

# Sidekiq's
QUEUES = "queues"  # set of queue names
RETRY = "retry"  # sorted set, score = next attempt, seconds
SCHEDULE = "schedule"  # sorted set, score = due time, seconds
DEAD = "dead"  # sorted set, score = time of death, seconds
PROCESSES = "processes"  # set of identities
PAUSED = "paused"  # set of names of queues that nobody fetches from (Sidekiq Pro's)
STAT_PROCESSED = "stat:processed"
STAT_FAILED = "stat:failed"
STAT_TTL = 5 * 365 * 24 * 3600  # seconds that a per-day counter is kept
PROCESS_TTL = 60  # seconds that a process is shown after its last beat

# kiq's own
OWNERS = "kiq:owners"  # set of owners that may hold jobs in flight
SUSPECTS = "kiq:suspects"  # hash sha1 of a payload -> "level:expiry", see reclaim.lua
MARKERS = "kiq:markers"  # hash sha1 of a running suspect -> "owner delivery time"
PUSHED = "kiq:pushed"  # sorted set of tokens of pushes that were done, score = when, seconds
DEAD_REASON = "kiq:dead-reason"  # hash sha1 of a raw dead entry -> why it is there
POLLER = "kiq:poller"  # election: who promotes
RECLAIMER = "kiq:reclaimer"  # election: who looks for lapsed leases
STORE_ID = "kiq:id"  # a random name for this database: tells run-folder locks apart
DOCTOR = "kiq:doctor"  # string, TTL: what `kiq doctor` writes to see how long a write takes
DUTIES = "kiq:duties"  # set: the names of duties that features have
POLLER_BELL = "poller"  # the poller's name at kiq:bell:
CANCELLED = "kiq:cancelled"  # sorted set of jids, score = until when the mark counts, seconds

_QUEUE_PREFIX = "queue:"
# Between a queue and one of its bands, in the name of the list that the band has: no name of a queue holds
# it. What follows is what people see where a program shows such a name as it is.
_BAND = "\x1f:"
# A name may hold braces, and a cluster takes what stands between the first two for the hash tag.
_ESCAPES = str.maketrans({"{": "%7B", "}": "%7D", "%": "%25"})
_INFLIGHT = re.compile(r"kiq:inflight:\{([^{}]+)\}:(.+)", re.DOTALL)


def queue(name: str) -> str:
    """Return the key of the list that holds queue *name*, or a band: head = newest, tail = next."""
    return _QUEUE_PREFIX + name


def band(queue: str, which: str) -> str:
    """Return the name of the band *which*, "high" or "low", of *queue*: to the core it is a queue's."""
    return f"{queue}{_BAND}{which}"


def bands(queue: str) -> tuple[str, str, str]:
    """Return the names of the lists that *queue* may have, in the order of their priority.

    The one in the middle is *queue* itself.
    """
    return band(queue, "high"), queue, band(queue, "low")


def queue_and_band(name: str) -> tuple[str, str]:
    """Return the queue that a list's *name* belongs to, and which band of it: "" for the plain one."""
    queue, _, which = name.partition(_BAND)
    return queue, which


def list_name(source: str) -> str | None:
    """Return the name of the list at *source*, a queue's or a band's; None when it is a sorted set."""
    return source[len(_QUEUE_PREFIX) :] if source.startswith(_QUEUE_PREFIX) else None


def queue_name(source: str) -> str | None:
    """Return the queue of the list at *source*, whichever band; None when it is a sorted set."""
    name = list_name(source)
    return None if name is None else name.partition(_BAND)[0]


def inflight(source: str, owner: str) -> str:
    """Return the key of the hash of what *owner* took from *source* and has not settled.

    The braces make a cluster keep the hash in the slot of its source.
    """
    return f"kiq:inflight:{{{source.translate(_ESCAPES)}}}:{owner}"


def source_and_owner(key: str) -> tuple[str, str] | None:
    """Return what :func:`inflight` made *key* of, or None when it is another key."""
    found = _INFLIGHT.fullmatch(key)
    return (unquote(found[1]), found[2]) if found else None


def idle(name: str) -> str:
    """Return the key of the set of owners that wait for a job of queue *name*, or of that of a band."""
    return f"kiq:idle:{name.partition(_BAND)[0].translate(_ESCAPES)}"


def bell(owner: str) -> str:
    """Return the channel that wakes *owner*."""
    return f"kiq:bell:{owner}"


def duty(name: str) -> str:
    """Return the key of the election for a feature's duty *name*."""
    return f"kiq:duty:{name}"


def rival(duty: str) -> str:
    """Return the key that says who else would take *duty*, one of the elections above."""
    return f"kiq:rival:{duty.removeprefix('kiq:')}"


def record(owner: str) -> str:
    """Return the key of *owner*'s record: what it may hold, where it runs, its epoch, its lease."""
    return f"kiq:owner:{owner}"


def lapsed(owner: str) -> str:
    """Return the key that *owner*'s record has while its jobs are given back."""
    return f"kiq:lapsed:{owner}"


def work(identity: str, sidekiq: int = 8) -> str:
    """Return the key of the hash of what the process *identity* runs now (for display).

    *sidekiq* is the major version of Ruby's that reads it: the name changed with 7.
    """
    return f"{identity}:workers" if sidekiq < 7 else f"{identity}:work"


def signals(identity: str) -> str:
    """Return the key of the list of signals that others send to the process *identity*."""
    return f"{identity}-signals"


def heard(identity: str) -> tuple[str, ...]:
    """Return the keys of the lists of signals that *identity* has taken, in turn."""
    return tuple(f"kiq:heard:{identity}:{turn}" for turn in range(3))


def iteration(jid: str) -> str:
    """Return the key of the hash that says how far the iterable job *jid* has come."""
    return f"it-{jid}"


def stat_day(stat: str, now: float) -> str:
    """Return the key of the counter *stat* for the UTC day of *now* (epoch seconds)."""
    return _stat_of_day(stat, int(now // 86_400))


@functools.lru_cache(maxsize=8)
def _stat_of_day(stat: str, day: int) -> str:
    return f"{stat}:{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"
