"""The numbers of the front page."""

from __future__ import annotations

import datetime
import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .. import keys
from ..errors import ConfigError
from ..options import DEFAULTS
from ..priority import NAMES
from . import scripts
from .home import connection
from .job_record import JobRecord
from .process_set import Process, ProcessSet

_LONGEST = 1825  # days: what Redis keeps


class History(NamedTuple):
    """Jobs by day (UTC), the newest first; 0 for a day without any."""

    processed: dict[datetime.date, int]
    failed: dict[datetime.date, int]


class QueueSummary(NamedTuple):
    """A queue: how many jobs wait, for how many seconds the oldest has, whether it is paused.

    *bands* says how many are in which band ("high", "normal", "low"), where any is not in the normal one.
    """

    name: str
    size: int
    latency: float
    paused: bool
    bands: Mapping[str, int] = {}


class Stats:
    """Numbers of one moment, read in one round trip when this is made.

    Those of processes are read when they are asked for first, in some more.
    """

    def __init__(self, client: Any = None) -> None:
        self._connection = connection(client)
        names = (keys.STAT_PROCESSED, keys.STAT_FAILED, keys.SCHEDULE, keys.RETRY, keys.DEAD)
        default = map(keys.queue, keys.bands(str(DEFAULTS["queue"])))
        reply = self._connection.call(
            scripts.stats((*names, keys.QUEUES, keys.queue(""), *default))
        )
        self._numbers = [_number(value) for value in reply[:5]]
        self._latency = _longest(reply[5])
        sizes: Counter[str] = Counter()
        for name, size in zip(reply[6::2], reply[7::2], strict=True):
            sizes[keys.queue_and_band(name.decode(errors="replace"))[0]] += int(size)
        self._queues = dict(sorted(sizes.items(), key=lambda each: (-each[1], each[0])))

    @property
    def processed(self) -> int:
        """How many jobs have run, whatever their end."""
        return self._numbers[0]

    @property
    def failed(self) -> int:
        """How many runs have raised."""
        return self._numbers[1]

    @property
    def enqueued(self) -> int:
        """How many jobs wait in queues."""
        return sum(self._queues.values())

    @property
    def scheduled_size(self) -> int:
        """How many jobs wait for their time."""
        return self._numbers[2]

    @property
    def retry_size(self) -> int:
        """How many jobs wait for their next attempt."""
        return self._numbers[3]

    @property
    def dead_size(self) -> int:
        """How many jobs rest in the dead set."""
        return self._numbers[4]

    @property
    def processes_size(self) -> int:
        """How many worker processes there are; those that died, or give no sign of life, are none."""
        return len(self._awake)

    @property
    def workers_size(self) -> int:
        """How many jobs run."""
        return sum(process.busy for process in self._awake)

    @property
    def in_hand(self) -> int:
        """How many jobs processes of kiq hold: those that run, and those that are about to."""
        return sum(process.in_hand for process in self._awake)

    @property
    def threads(self) -> int:
        """How many jobs those processes can run at a time."""
        return sum(process.concurrency for process in self._awake)

    @functools.cached_property
    def _awake(self) -> list[Process]:
        return [process for process in ProcessSet(self._connection) if not process.is_silent]

    @property
    def default_queue_latency(self) -> float:
        """For how many seconds the oldest job of the queue ``default`` had waited."""
        return self._latency

    def queues(self) -> dict[str, int]:
        """Return the size of each queue, the longest first."""
        return dict(self._queues)

    def queue_summaries(self) -> list[QueueSummary]:
        """Return all that there is to know of each queue, the longest first, as it is now.

        A paused queue is among them though nothing was ever pushed to it. One round trip.
        """
        reply = self._connection.call(scripts.queues((keys.QUEUES, keys.PAUSED, keys.queue(""))))
        rows = zip(*(reply[at::4] for at in range(4)), strict=True)
        lists: dict[str, dict[str, tuple[int, bytes, int]]] = {}
        for raw, *row in rows:
            name, band = keys.queue_and_band(raw.decode(errors="replace"))
            lists.setdefault(name, {})[band] = (row[0], row[1], row[2])
        found = [_summary(name, bands) for name, bands in lists.items()]
        return sorted(found, key=lambda each: (-each.size, each.name))

    def reset(self, *names: str) -> None:
        """Set the all-time counters *names* ("processed", "failed"; both if none is named) to 0.

        Those of the days stay, and so do the numbers read before. Raises ConfigError for another name.
        """
        counters = {"processed": keys.STAT_PROCESSED, "failed": keys.STAT_FAILED}
        wrong = [name for name in names if name not in counters]
        if wrong:
            raise ConfigError(f"there is no counter {wrong[0]!r}: reset takes processed and failed")
        chosen = [counters[name] for name in names or counters]
        self._connection.exchange([("SET", key, 0) for key in chosen])

    def history(self, days: int, start: datetime.date | None = None) -> History:
        """Return the numbers of *days* (1 to 1825) that end with *start* (today, UTC).

        One round trip. Raises ConfigError for another number of days.
        """
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= _LONGEST:
            raise ConfigError(f"history takes a number of days from 1 to {_LONGEST}, not {days!r}")
        last = start or datetime.datetime.now(datetime.UTC).date()
        dates = [last - datetime.timedelta(days=back) for back in range(days)]
        replies = self._connection.exchange(
            [
                ("MGET", *(f"{stat}:{date:%Y-%m-%d}" for date in dates))
                for stat in (keys.STAT_PROCESSED, keys.STAT_FAILED)
            ]
        )
        processed, failed = (map(_number, reply) for reply in replies)
        return History(
            dict(zip(dates, processed, strict=True)), dict(zip(dates, failed, strict=True))
        )


def _summary(name: str, lists: Mapping[str, tuple[int, bytes, int]]) -> QueueSummary:
    """Return what is told of a queue by its lists: size, oldest job, 1 for a paused one."""
    sizes = {band or "normal": size for band, (size, _, _) in lists.items() if size}
    return QueueSummary(
        name,
        sum(sizes.values()),
        _longest([oldest for _, oldest, _ in lists.values()]),
        bool(lists.get("", (0, b"", 0))[2]),
        {band: sizes[band] for band in NAMES if band in sizes} if sizes.keys() - {"normal"} else {},
    )


def _longest(oldest: Iterable[bytes]) -> float:
    """Return for how many seconds the first of some jobs has waited; 0 for none."""
    return max((JobRecord(raw).latency for raw in oldest if raw), default=0.0)


def _number(value: Any) -> int:
    """Read a counter; 0 for what is none."""
    try:
        return int(value or 0)
    except ValueError:
        return 0
