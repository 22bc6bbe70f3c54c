"""Unique jobs and mutexes under a storm of pushes, with workers and Redis killed amid it.

Two tests. `unique`: one job for a key from its push until it has succeeded; the others are refused.
`alone`: all are pushed, and of one key one runs at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from parts.report import table

from features.contender import Contender, Role
from features.journal import Mark, Run, at_once, ended, repairs, runs, taken
from features.stage import Stage, killed, redis_killed

_WARM = 30.0  # seconds for the workers to start, and to run a job of each key
_STORM = 25.0  # seconds
_PUSHERS = 3
_PATIENCE = 150.0  # seconds after the storm: what has not come to its end then is lost, or stuck
_PROBE = 10.0  # seconds
_FAULTS = (
    (4.0, killed("worker", 0)),
    (8.0, killed("worker", 1)),
    (12.0, redis_killed),
    (16.0, killed("worker", 2)),
    (20.0, killed("worker", 0)),
)
#: Keys, and pushes a second of each pusher.
_LOADS = {"unique": (30, 40.0), "alone": (10, 8.0)}
HEADER = (
    "",
    "pushed",
    "refused",
    "two at once",
    "not done",
    "done twice",
    "cut short, run again",
    "after, worst",
    "locks left",
)


@dataclass(frozen=True, slots=True)
class Unique:
    """What came of one contender. *left* are keys that take no job, or run none, at the end."""

    pushed: int
    refused: int
    at_once: int
    lost: int
    twice: int
    cut_short: int
    again: int
    worst: float
    left: int
    unknown: int
    ended_alone: int

    def row(self, name: str) -> tuple[str, ...]:
        """Return its row in the table."""
        return (
            name,
            f"{self.pushed}",
            f"{self.refused}",
            f"{self.at_once}",
            f"{self.lost}",
            f"{self.twice}",
            f"{self.again} of {self.cut_short}",
            f"{self.worst:.1f} s" if self.again else "never",
            f"{self.left}",
        )


def play(stage: Stage, test: str) -> Unique:
    """Play the test *test* on *stage*, and count."""
    keys, rate = _LOADS[test]
    stage.push("probe", "warm", keys, _WARM)
    stage.play(_WARM, until=lambda: _probed(stage.marks(), "warm-") == keys)
    stage.play(2.0)  # what has just ended lets go of its lock
    for number in range(_PUSHERS):
        stage.push("storm", f"p{number}", keys, _STORM, rate)
    stage.play(_STORM + 2.0, _FAULTS)
    stage.play(_PATIENCE, until=lambda: not _open(stage.marks()))
    lost = _open(stage.marks())
    stage.push("probe", "probe", keys, _PROBE)
    stage.play(_PROBE + 5.0, until=lambda: _probed(stage.marks(), "probe-") == keys)
    marks = stage.marks()
    return _counted(stage, marks, runs(marks, stage.deaths), lost, keys - _probed(marks, "probe-"))


def _counted(
    stage: Stage, marks: list[Mark], found: list[Run], lost: set[str], left: int
) -> Unique:
    repaired = repairs(found)
    return Unique(
        pushed=len(taken(marks)),
        refused=sum(mark.what == "refused" for mark in marks),
        at_once=at_once(found),
        lost=len(lost),
        twice=sum(count > 1 for count in ended(found).values()),
        cut_short=sum(not run.done for run in found),
        again=len(repaired),
        worst=max(repaired, default=0.0),
        left=left,
        unknown=sum(mark.what == "unknown" for mark in marks),
        ended_alone=stage.ended_alone,
    )


def _open(marks: list[Mark]) -> set[str]:
    """Return the idents of what was taken and has not come to its end."""
    return taken(marks) - {mark.words[1] for mark in marks if mark.what == "end"}


def _probed(marks: list[Mark], name: str) -> int:
    """Return of how many keys a job of the probe *name* came to its end."""
    ends = [mark.words for mark in marks if mark.what == "end"]
    return len({key for key, ident in ends if ident.startswith(name)})


def text(found: dict[str, Unique]) -> str:
    """Return the table."""
    return table(HEADER, [each.row(name) for name, each in found.items()])


_PYTHON = ("{bin}/python", "{apps}/storm.py")


def _kiq() -> Contender:
    work = ("{bin}/python", "-m", "kiq", "-r", "rival_kiq", "-c", "4", "-q", "default")
    return Contender(
        name="kiq",
        home="kiq",
        crew=(Role("worker", work, 3),),
        pusher=(*_PYTHON, "rival_kiq"),
        settings="the defaults; `until_success`, or `while_executing`, by the key",
    )


def _celery(name: str, addon: str, settings: str, **variables: str) -> Contender:
    work = ("{bin}/celery", "-A", "rival_celery", "worker", "--concurrency", "4")
    return Contender(
        name=name,
        home="celery",
        crew=(Role("worker", (*work, "-n", "{me}@bench", "--loglevel", "ERROR"), 3),),
        pusher=(*_PYTHON, "rival_celery"),
        settings=settings,
        variables={"BENCH_ADDON": addon, **variables},
    )


def _rq(name: str, maintenance: str, settings: str) -> Contender:
    # A worker has one job at a time; its pools don't take the option.
    one = "{bin}/rq worker default -u {url} --quiet --maintenance-interval " + maintenance
    work = ("/bin/sh", "-c", f"for each in 1 2 3 4; do {one} & done; wait")
    return Contender(
        name=name,
        home="rq",
        crew=(Role("worker", work, 3),),
        pusher=(*_PYTHON, "rival_rq"),
        settings=settings,
    )


def _huey(name: str, settings: str, **variables: str) -> Contender:
    work = ("{bin}/huey_consumer", "rival_huey.queue", "-w", "4", "--quiet")
    return Contender(
        name=name,
        home="huey",
        crew=(Role("worker", work, 3),),
        pusher=(*_PYTHON, "rival_huey"),
        settings=settings,
        variables=variables,
    )


def _dramatiq(name: str, settings: str, **variables: str) -> Contender:
    work = ("{bin}/dramatiq", "rival_dramatiq", "-p", "1", "-t", "4", "--skip-logging")
    return Contender(
        name=name,
        home="dramatiq",
        crew=(Role("worker", work, 3),),
        pusher=(*_PYTHON, "rival_dramatiq"),
        settings=settings,
        variables=variables,
    )


_RQ = "`unique=True` with the key as job id, `Retry(max=3)`, `job_timeout=5`"
_LATE = "acknowledged late, `visibility_timeout` of 20 s (its default: an hour)"
_UNIQUE = (
    _kiq(),
    _celery("Celery, celery-singleton", "singleton", "as they come"),
    _celery("Celery, celery-singleton, late", "singleton", _LATE, BENCH_LATE="1"),
    _celery("Celery, celery-once, late", "once", f"{_LATE}; lock for an hour", BENCH_LATE="1"),
    Contender(
        name="BullMQ",
        home="node",
        crew=(Role("worker", ("{bin}/node", "{bin}/features.mjs", "work"), 3),),
        pusher=("{bin}/node", "{bin}/features.mjs"),
        settings="`deduplication` by the key (simple mode), else the defaults",
    ),
    _rq("RQ", "600", f"{_RQ}; looks for jobs of dead workers every ten minutes, its default"),
    _rq("RQ, tuned", "15", f"{_RQ}; `--maintenance-interval 15`"),
)
_ALONE = (
    _kiq(),
    _huey("Huey", "`lock_task` in the task, tried again each second"),
    _huey("Huey, tuned", "the same with `ttl=10`", BENCH_LOCK="10"),
    _dramatiq(
        "Dramatiq", "`ConcurrentRateLimiter` of 1 for each key: its lock is one of 15 minutes"
    ),
    _dramatiq("Dramatiq, tuned", "the same with `ttl=10_000`", BENCH_LOCK="10"),
)
CONTENDERS = {"unique": _UNIQUE, "alone": _ALONE}
