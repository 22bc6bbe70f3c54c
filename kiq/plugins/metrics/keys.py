"""The keys that metrics are kept in: Sidekiq's, byte for byte, and kiq's own. All times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MINUTES_TTL = 8 * 3600  # seconds that the numbers of a minute are kept
TENS_TTL = 3 * 86_400  # seconds that the numbers of ten minutes are kept
MARKS_TTL = 90 * 86_400  # seconds that the deploy marks of a day are kept
WRITTEN_TTL = 3600  # seconds that a process which is silent may come back and write a batch once

MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)


def floor(at: datetime, step: timedelta) -> datetime:
    """Return the beginning of the *step*, MINUTE or TEN_MINUTES, in which *at* lies."""
    minutes = step // MINUTE
    return at.replace(minute=at.minute - at.minute % minutes, second=0, microsecond=0)


def moment(minute: int) -> datetime:
    """Return when the minute number *minute* since the epoch began."""
    return datetime.fromtimestamp(minute * 60, UTC)


def runs(at: datetime, step: timedelta, sidekiq: int = 8) -> str:
    """Return Sidekiq's hash of the runs in the *step* that begins *at*.

    Its fields are ``Class|p`` (ended), ``Class|f`` (failed) and ``Class|ms`` (run time). Ruby's
    *sidekiq* before 8 has another name for that of a minute, and none of ten.
    """
    if sidekiq < 8 and step == MINUTE:
        return f"j|{at:%Y%m%d}|{at.hour}:{at.minute}"
    return f"j|{_stamp(at, step)}"


def waits(at: datetime, step: timedelta) -> str:
    """Return kiq's hash of what jobs waited before the runs that began in the *step* from *at*.

    Its fields are ``Class|n`` (jobs), ``Class|ms`` (sum) and ``Class|0`` to ``Class|25`` (buckets).
    """
    return f"kiq:waits|{_stamp(at, step)}"


def histogram(name: str, at: datetime, sidekiq: int = 8) -> str:
    """Return Sidekiq's bit field of the run times of the class *name* in the minute *at*."""
    if sidekiq < 8:
        return f"{name}-{at:%d-%H}:{at.minute}"
    return f"h|{name}-{at.day}-{at.hour}:{at.minute}"


def written(identity: str) -> str:
    """Return the key of the number of the last batch that the process *identity* wrote."""
    return f"kiq:metrics:{identity}"


def marks(at: datetime) -> str:
    """Return Sidekiq's hash of the deploy marks of a day: minute -> label."""
    return f"{at:%Y%m%d}-marks"


def mark_lock(label: str) -> str:
    """Return Sidekiq's key that keeps a fleet from marking the same deploy more than once."""
    return f"deploylock-{label}"


def _stamp(at: datetime, step: timedelta) -> str:
    # The hour has no leading zero; of ten minutes only the first digit is written.
    stamp = f"{at:%y%m%d}|{at.hour}:{at:%M}"
    return stamp[:-1] if step == TEN_MINUTES else stamp
