"""Metrics: how often, how long and how late the jobs of each class ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ...api.home import connection
from ...client import Client, sidekiq_in_use
from ...errors import ConfigError
from ...store.scripts import Command
from . import buckets, keys
from .deploy import Deploy
from .numbers import JobMetrics, Numbers
from .tally import shown_name

LONGEST_MINUTES, LONGEST_HOURS = 480, 72  # what Redis keeps
_PAGE, _CLASSES = 20, 5  # steps of one round trip, and of how many single classes
_RUNS = ("p", "f", "ms")
_WAITS = ("n", "ms", *map(str, range(buckets.COUNT)))


@dataclass(frozen=True, slots=True)
class Period:
    """What was measured from *since* until *until*, in steps of *step* (a minute, or ten).

    *jobs* are the classes that ran, the one that took most time first; *marks* the deploys.
    """

    since: datetime
    until: datetime
    step: timedelta
    jobs: dict[str, JobMetrics]
    marks: dict[datetime, str]

    @property
    def times(self) -> list[datetime]:
        """The beginnings of all steps, the oldest first."""
        return [self.since + self.step * at for at in range((self.until - self.since) // self.step)]


class Metrics:
    """Reads metrics. *client* as for :func:`kiq.api.connection`.

    The keys are those of the setting ``sidekiq``: of *client*, if it is a ``kiq.Client``, else of this
    process.
    """

    def __init__(self, client: Any = None) -> None:
        self._connection = connection(client)
        self._sidekiq = client.sidekiq if isinstance(client, Client) else sidekiq_in_use()

    def top_jobs(
        self, *, minutes: int | None = None, hours: int | None = None, matching: str = ""
    ) -> Period:
        """Return the numbers of all classes over the last *minutes* (480 at most) or *hours* (72).

        60 minutes when neither is given. A step is a minute; of hours, it is ten. *matching* is a
        text that the class must have in its name. One round trip for 20 steps. Raises ConfigError
        for another period.
        """
        period = _period(minutes, hours)
        for at, (runs, waits) in self._read(period, lambda at: self._all_classes(at, period.step)):
            for name, field, value in (*_fields(runs, ""), *_fields(waits, "waits ")):
                if matching in name:
                    job = period.jobs.setdefault(name, JobMetrics(name=name))
                    _enter(job.at(at), field, value)
        for job in period.jobs.values():
            job.total()
        ranked = sorted(period.jobs.items(), key=lambda each: (-each[1].run_time, each[0]))
        period.jobs.clear()
        period.jobs.update(ranked)
        period.marks.update(Deploy(self._connection).between(period.since, period.until))
        return period

    def for_job(
        self, name: str, *, minutes: int | None = None, hours: int | None = None
    ) -> JobMetrics:
        """Return the numbers of the class *name*, and the deploys; over minutes, with histograms.

        The period is that of :meth:`top_jobs`.
        """
        return self.for_jobs([name], minutes=minutes, hours=hours)[name]

    def for_jobs(
        self, names: Iterable[str], *, minutes: int | None = None, hours: int | None = None
    ) -> dict[str, JobMetrics]:
        """Return what :meth:`for_job` returns, by name, for each of *names*.

        One round trip for 20 steps of up to 5 classes, for less of more classes, and one for the deploys.
        """
        period = _period(minutes, hours)
        jobs = {name: JobMetrics(name=shown_name(name)) for name in names}
        few = max(1, _PAGE * _CLASSES // max(_CLASSES, len(jobs)))
        each = len(self._one_class("", period.since, period.step))
        marks = Deploy(self._connection).between(period.since, period.until) if jobs else {}
        for at, replies in self._read(
            period,
            lambda at: [
                command
                for job in jobs.values()
                for command in self._one_class(job.name, at, period.step)
            ],
            few,
        ):
            for number, job in enumerate(jobs.values()):
                _fill(job, at, replies[each * number : each * (number + 1)])
        for job in jobs.values():
            job.total()
            job.marks.update(marks)
        return jobs

    def _all_classes(self, at: datetime, step: timedelta) -> list[Command]:
        runs = keys.runs(at, step, self._sidekiq)
        return [("HGETALL", runs), ("HGETALL", keys.waits(at, step))]

    def _one_class(self, name: str, at: datetime, step: timedelta) -> list[Command]:
        runs = keys.runs(at, step, self._sidekiq)
        commands: list[Command] = [
            ("HMGET", runs, *(f"{name}|{field}" for field in _RUNS)),
            ("HMGET", keys.waits(at, step), *(f"{name}|{field}" for field in _WAITS)),
        ]
        if step == keys.MINUTE:
            gets = [part for n in range(buckets.COUNT) for part in ("GET", "u16", f"#{n}")]
            commands.append(("BITFIELD_RO", keys.histogram(name, at, self._sidekiq), *gets))
        return commands

    def _read(
        self, period: Period, commands: Callable[[datetime], list[Command]], few: int = _PAGE
    ) -> Iterator[tuple[datetime, list[Any]]]:
        """Yield what *commands* of each step are answered, *few* steps in one round trip."""
        times = period.times
        for first in range(0, len(times), few):
            page = times[first : first + few]
            asked = [commands(at) for at in page]
            replies = iter(self._connection.exchange([each for part in asked for each in part]))
            for at, part in zip(page, asked, strict=True):
                yield at, [next(replies) for _ in part]


def _period(minutes: int | None, hours: int | None) -> Period:
    if minutes is not None and hours is not None:
        raise ConfigError("metrics take minutes= or hours=, not both")
    what, number, longest = "minutes", minutes, LONGEST_MINUTES
    if hours is not None:
        what, number, longest = "hours", hours, LONGEST_HOURS
    if number is None:
        number = 60
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= longest:
        raise ConfigError(f"{what}= takes a number from 1 to {longest}, not {number!r}")
    step = keys.MINUTE if hours is None else keys.TEN_MINUTES
    until = keys.floor(datetime.now(UTC), step) + step
    return Period(until - timedelta(**{what: number}), until, step, {}, {})


def _fields(reply: list[bytes], prefix: str) -> Iterator[tuple[str, str, int]]:
    """Yield class, field and number of what HGETALL answered; what is no metric is left out."""
    for raw, value in zip(reply[::2], reply[1::2], strict=True):
        name, bar, field = raw.decode(errors="replace").rpartition("|")
        if bar:
            yield name, prefix + field, _number(value)


def _fill(job: JobMetrics, at: datetime, replies: list[Any]) -> None:
    """Enter into *job* what the commands of one class were answered for the step *at*."""
    names = (*_RUNS, *(f"waits {field}" for field in _WAITS))
    for field, value in zip(names, (*replies[0], *replies[1]), strict=True):
        if value is not None:
            _enter(job.at(at), field, _number(value))
    if len(replies) > 2 and any(replies[2]):
        job.histograms[at] = [int(count) for count in replies[2]]


def _enter(numbers: Numbers, field: str, value: int) -> None:
    match field.split(" "):
        case ["p"]:
            numbers.processed = value
        case ["f"]:
            numbers.failed = value
        case ["ms"]:
            numbers.run_time = value / 1000
        case ["waits", "n"]:
            numbers.waits = value
        case ["waits", "ms"]:
            numbers.queue_time = value / 1000
        case ["waits", bucket] if bucket.isdecimal() and int(bucket) < buckets.COUNT:
            numbers.queue_times[int(bucket)] = value


def _number(value: bytes) -> int:
    try:
        return int(value)
    except ValueError:
        return 0  # another program wrote it
