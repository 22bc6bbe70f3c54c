"""Batches with a callback each, while workers and Redis are killed amid them.

Forty batches of fifteen jobs are pushed, four a second. What is killed, is killed when so many of all jobs
have come to their end: fast and slow systems so meet the same faults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from parts.report import table

from features.contender import Contender, Role
from features.journal import Mark
from features.stage import Fault, Stage, killed, redis_killed

_BATCHES = 40
_SIZE = 15
_START = 8.0  # seconds for the workers to start
_STEP = 60.0  # seconds in which the next fault must be due
_PATIENCE = 150.0  # seconds after the last fault
#: After which share of all jobs what is killed.
_FAULTS: tuple[Fault, ...] = (
    (0.2, killed("worker", 0)),
    (0.4, killed("worker", 1)),
    (0.6, redis_killed),
    (0.8, killed("worker", 2)),
)
HEADER = (
    "",
    "batches",
    "called back",
    "called twice",
    "too early",
    "jobs not done",
    "jobs done twice",
    "callback after, p50",
    "worst",
)


@dataclass(frozen=True, slots=True)
class Batches:
    """What came of one contender: *after* are seconds from the end of the last job to the callback."""

    batches: int
    called: int
    twice: int
    early: int
    lost: int
    done_twice: int
    after: list[float]

    def row(self, name: str) -> tuple[str, ...]:
        """Return its row in the table."""
        after = sorted(self.after)
        return (
            name,
            f"{self.batches}",
            f"{self.called}",
            f"{self.twice}",
            f"{self.early}",
            f"{self.lost}",
            f"{self.done_twice}",
            f"{after[len(after) // 2]:.2f} s" if after else "never",
            f"{after[-1]:.1f} s" if after else "never",
        )


def play(stage: Stage, _test: str) -> Batches:
    """Play the test on *stage*, and count."""
    stage.play(_START)
    pusher = stage.push("batches", "pusher", _BATCHES, _SIZE)
    jobs = _BATCHES * _SIZE
    for share, fault in _FAULTS:
        stage.play(_STEP, until=lambda share=share: _done(stage.marks()) >= share * jobs)  # type: ignore[misc]
        fault(stage)
    stage.play(_STEP, until=lambda: _pushed(stage.marks(), "batch", "unknown") == _BATCHES)
    stage.play(_PATIENCE, until=lambda: _called(stage.marks()) >= _pushed(stage.marks(), "batch"))
    stage.play(10.0)  # what comes twice comes now
    pusher.end()
    return count(stage.marks())


def count(marks: Iterable[Mark]) -> Batches:
    """Count what came of the batches; the names of batches are the keys of their jobs."""
    pushed: set[str] = set()
    ends: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    calls: dict[str, list[float]] = defaultdict(list)
    for mark in marks:
        if mark.what == "batch":
            pushed.add(mark.words[0])
        elif mark.what == "end":
            ends[mark.words[0]][mark.words[1]].append(mark.at)
        elif mark.what == "called":
            calls[mark.words[0]].append(mark.at)
    whole = {key: max(first[0] for first in ends[key].values()) for key in pushed if ends[key]}
    complete = {key for key in whole if len(ends[key]) == _SIZE}
    called = {key: calls[key][0] for key in pushed if calls[key]}
    return Batches(
        batches=len(pushed),
        called=len(called),
        twice=sum(len(calls[key]) > 1 for key in pushed),
        early=sum(key not in complete or at < whole[key] for key, at in called.items()),
        lost=len(pushed) * _SIZE - sum(len(ends[key]) for key in pushed),
        done_twice=sum(len(each) > 1 for key in pushed for each in ends[key].values()),
        after=[max(0.0, at - whole[key]) for key, at in called.items() if key in complete],
    )


def _pushed(marks: Iterable[Mark], *what: str) -> int:
    return sum(mark.what in what for mark in marks)


def _done(marks: Iterable[Mark]) -> int:
    return len({mark.words for mark in marks if mark.what == "end"})


def _called(marks: Iterable[Mark]) -> int:
    """Return how many batches of those that certainly were pushed were called back."""
    there = list(marks)
    pushed = {mark.words[0] for mark in there if mark.what == "batch"}
    return len({mark.words[0] for mark in there if mark.what == "called"} & pushed)


def text(found: dict[str, Batches]) -> str:
    """Return the table."""
    return table(HEADER, [each.row(name) for name, each in found.items()])


_PYTHON = ("{bin}/python", "{apps}/storm.py")


def _contender(
    name: str, home: str, work: tuple[str, ...], settings: str, **variables: str
) -> Contender:
    pusher = (*_PYTHON, f"rival_{home}")
    return Contender(
        name=name,
        home=home,
        crew=(Role("worker", work, 3),),
        pusher=("{bin}/node", "{bin}/features.mjs") if home == "node" else pusher,
        settings=settings,
        variables={"BENCH_SECONDS": "0.1", **variables},
    )


def _shell(each: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", f"for each in 1 2 3 4; do {each} & done; wait")


_CELERY = (
    *("{bin}/celery", "-A", "rival_celery", "worker", "--concurrency", "4"),
    *("-n", "{me}@bench", "--loglevel", "ERROR"),
)
_RQ = "{bin}/rq worker default -u {url} --quiet --maintenance-interval "
_BATCHES_OF = (
    _contender(
        "kiq",
        "kiq",
        ("{bin}/python", "-m", "kiq", "-r", "rival_kiq", "-c", "4", "-q", "default"),
        "`kiq.Batch` with `on_success`, the defaults",
    ),
    _contender(
        "Celery, chord",
        "celery",
        _CELERY,
        "`chord(group)(callback)`, results on Redis, as it comes",
        BENCH_ADDON="",
    ),
    _contender(
        "Celery, chord, late",
        "celery",
        _CELERY,
        "the same, acknowledged late, `visibility_timeout` of 20 s (its default: an hour)",
        BENCH_ADDON="",
        BENCH_LATE="1",
    ),
    _contender(
        "BullMQ, flows",
        "node",
        ("{bin}/node", "{bin}/features.mjs", "work"),
        "`FlowProducer`: a parent with children, the defaults",
    ),
    _contender(
        "Dramatiq, group callbacks",
        "dramatiq",
        ("{bin}/dramatiq", "rival_dramatiq", "-p", "1", "-t", "4", "--skip-logging"),
        "`group` with `add_completion_callback`, `GroupCallbacks` on Redis",
    ),
    _contender(
        "RQ, dependencies",
        "rq",
        _shell(_RQ + "15"),
        "`depends_on` all jobs, `Retry(max=3)`, `job_timeout=5`, `--maintenance-interval 15` "
        "(its default: ten minutes)",
    ),
    _contender(
        "Huey, chord",
        "huey",
        ("{bin}/huey_consumer", "rival_huey.queue", "-w", "4", "--quiet"),
        "`chord`, as it comes",
        BENCH_RESULTS="1",
    ),
)
CONTENDERS = {"batches": _BATCHES_OF}
