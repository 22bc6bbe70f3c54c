"""A tick every two seconds for a minute; what ticks is killed, as are a worker and Redis."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from parts.report import table

from features.contender import Contender, Role
from features.journal import Mark
from features.stage import Stage, killed, redis_killed

_SECONDS = 60.0
_GRACE = 3.0
HEADER = ("", "due", "missed", "twice", "late p50", "late p99", "longest pause")


@dataclass(frozen=True, slots=True)
class Ticks:
    """What came of one contender. *late* are seconds: behind the moment that a tick is for, where it
    says that, else behind the run before and one period."""

    due: int
    missed: int
    twice: int
    late: list[float]
    pause: float
    told: bool

    def row(self, name: str) -> tuple[str, ...]:
        """Return its row in the table."""
        late = sorted(self.late)
        return (
            name,
            f"{self.due}",
            f"{self.missed}",
            f"{self.twice}",
            f"{_at(late, 0.5):.3f} s",
            f"{_at(late, 0.99):.2f} s",
            f"{self.pause:.1f} s",
        )


def play(stage: Stage, _test: str) -> Ticks:
    """Play the test on *stage*, and count from the first tick on."""
    period = stage.contender.period
    first, last = stage.contender.crew[0], stage.contender.crew[-1]
    seconds = _SECONDS if period < 60 else 5.0 * period
    stage.play(90.0, until=lambda: bool(_ticks(stage.marks())))
    faults = (
        (seconds * 0.2, killed(first.name, 0)),
        (seconds * 0.4, killed(first.name, first.count - 1)),  # which of two ticks is not known
        (seconds * 0.6, redis_killed),
        (seconds * 0.8, killed(last.name, 0)),
    )
    stage.play(seconds + _GRACE, faults)
    return count(_ticks(stage.marks()), period, seconds)


def _ticks(marks: Sequence[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.what == "tick"]


def count(ticks: Sequence[Mark], period: float, seconds: float) -> Ticks:
    """Count what ran in *seconds* from the first of *ticks* on."""
    due = int(seconds / period)
    if not ticks:
        return Ticks(due, due, 0, [], seconds, True)
    starts = sorted(mark.at for mark in ticks)
    told = all(mark.words[0] != "-" for mark in ticks)
    pairs = list(itertools.pairwise(starts))
    ends = [*starts, starts[0] + seconds]
    pause = max((after - before for before, after in itertools.pairwise(ends)), default=0.0)
    if told:
        first = float(ticks[0].words[0])
        mine = [
            mark for mark in ticks if first <= float(mark.words[0]) < first + (due - 0.5) * period
        ]
        names = {mark.words[0] for mark in mine}
        late = [mark.at - float(mark.words[0]) for mark in mine]
        return Ticks(due, due - len(names), len(mine) - len(names), late, pause, True)
    mine_at = [at for at in starts if at < starts[0] + (due - 0.5) * period]
    twice = _surplus(mine_at, period)
    late = [max(0.0, after - before - period) for before, after in pairs]
    return Ticks(due, max(0, due - (len(mine_at) - twice)), twice, late, pause, False)


def _surplus(starts: Sequence[float], period: float) -> int:
    """Return by how many runs there were, at some moment, more than ticks had been due by then.

    A run may be early by a quarter of a period: its clock is not known.
    """
    most = 0
    for number, at in enumerate(starts, 1):
        due = int((at - starts[0]) / period + 0.25) + 1
        most = max(most, number - due)
    return most


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def text(found: dict[str, Ticks]) -> str:
    """Return the table."""
    return table(HEADER, [each.row(name) for name, each in found.items()])


def _celery(name: str, settings: str, beats: int, *scheduler: str, **variables: str) -> Contender:
    command = ("{bin}/celery", "-A", "rival_celery")
    beat = (*command, "beat", "--loglevel", "ERROR", "--pidfile", "", "-s", "{me}.db", *scheduler)
    work = (*command, "worker", "--concurrency", "2", "--loglevel", "ERROR", "-n", "{me}@bench")
    return Contender(
        name=name,
        home="celery",
        crew=(Role("beat", beat, beats), Role("worker", work, 1)),
        settings=settings,
        variables=variables,
    )


def _rq(schedulers: int) -> Contender:
    cron = ("{bin}/rq", "cron", "-u", "{url}", "-l", "error", "rival_rq")
    work = ("{bin}/rq", "worker-pool", "default", "-n", "2", "-u", "{url}", "--quiet")
    return Contender(
        name=f"RQ, {schedulers} `rq cron`",
        home="rq",
        crew=(Role("cron", cron, schedulers), Role("worker", work, 1)),
        settings="`rq cron` with `interval=2`",
    )


def _apscheduler(schedulers: int) -> Contender:
    return Contender(
        name=f"APScheduler 3, {schedulers}",
        home="apscheduler",
        crew=(Role("scheduler", ("{bin}/python", "{apps}/rival_apscheduler.py"), schedulers),),
        settings="`BlockingScheduler` with its `RedisJobStore`; it runs the job itself",
    )


_KIQ = ("{bin}/python", "-m", "kiq", "-r", "rival_kiq", "-c", "2", "-q", "default")
_BULLMQ = ("{bin}/node", "{bin}/features.mjs", "work")
_HUEY = ("{bin}/huey_consumer", "rival_huey.queue", "-w", "2", "--quiet")
_RED = ("-S", "redbeat.RedBeatScheduler")
_PERIODIC = (
    Contender(
        name="kiq, 2 processes",
        home="kiq",
        crew=(Role("worker", _KIQ, 2),),
        settings="the defaults; `every=2s`. After a longer pause it runs the last tick alone",
    ),
    Contender(
        name="kiq, 2 processes, all",
        home="kiq",
        crew=(Role("worker", _KIQ, 2),),
        settings="the same with `missed=all`: each tick, however late",
        variables={"BENCH_MISSED": "all"},
    ),
    _celery("Celery, 1 beat", "its `PersistentScheduler`, which finds its file again", 1),
    _celery("Celery, 2 beats", "its docs say not to", 2),
    _celery("Celery, 2 RedBeats", "its lock as it comes: 25 minutes", 2, *_RED),
    _celery(
        "Celery, 2 RedBeats, tuned", "a lock of 10 s, a loop of 2 s", 2, *_RED, BENCH_LOCK="10"
    ),
    _rq(1),
    _rq(2),
    Contender(
        name="BullMQ, 2 processes",
        home="node",
        crew=(Role("worker", _BULLMQ, 2),),
        settings="`upsertJobScheduler` with `every: 2000`, in each worker as it starts",
    ),
    _apscheduler(1),
    _apscheduler(2),
    Contender(
        name="Huey, 1 process, every minute",
        home="huey",
        crew=(Role("worker", _HUEY, 1),),
        settings='`crontab(minute="*")`, the least there is; five minutes',
        period=60,
    ),
    Contender(
        name="Huey, 2 processes, every minute",
        home="huey",
        crew=(Role("worker", _HUEY, 2),),
        settings='`crontab(minute="*")`, the least there is; five minutes',
        period=60,
    ),
)
CONTENDERS = {"periodic": _PERIODIC}
