"""Limits across processes: so many calls a second of an API that counts, and so many jobs at a time.

`window`: the start of a job is its call of an API that allows 100 in any second and refuses more; the
clock is the machine's, and so the same for all. `slots`: five at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from parts.report import table

from features.contender import Contender, Role
from features.journal import Run, most_at_once, runs
from features.stage import Stage, killed, redis_killed

_RATE = 100  # calls in any second
_SLOTS = 5
_BACKLOG = {"window": 3_000, "slots": 900}
_START = 60.0  # seconds until the first job runs at the latest
_SETTLING = 3.0  # seconds from the first job on that don't count: the workers are starting
_WINDOW = 20.0  # seconds that count
_CALM = 70.0  # seconds after the last kill in which slots may come free again
_LAST = 10.0  # seconds at the end in which the slots that are in use are counted
_WINDOW_HEADER = ("", "calls", "refused by the API", "share of the rate used")
_SLOTS_HEADER = ("", "most at once", "five at once again after", "slots in use at the end")


@dataclass(frozen=True, slots=True)
class Window:
    """What came of one contender: *share* of the calls that the API would have taken."""

    calls: int
    punished: int
    share: float

    def row(self, name: str) -> tuple[str, ...]:
        """Return its row in the table."""
        return (name, f"{self.calls}", f"{self.punished}", f"{self.share:.1%}")


@dataclass(frozen=True, slots=True)
class Slots:
    """What came of one contender: *again* are seconds from the last kill, None if never."""

    most: int
    again: float | None
    in_use: float

    def row(self, name: str) -> tuple[str, ...]:
        """Return its row in the table."""
        again = "never" if self.again is None else f"{self.again:.1f} s"
        return (name, f"{self.most}", again, f"{self.in_use:.1f}")


def play(stage: Stage, test: str) -> Window | Slots:
    """Play the test *test* on *stage*, and count."""
    if stage.contender.pusher:
        stage.push("backlog", "job", _BACKLOG[test])
    stage.play(_START, until=lambda: any(mark.what == "start" for mark in stage.marks()))
    if test == "window":
        stage.play(_SETTLING + _WINDOW + 1.0, [(_SETTLING + 5.0, killed("worker", 0))])
        return window([mark.at for mark in stage.marks() if mark.what == "start"])
    faults = (
        (5.0, killed("worker", 0)),
        (10.0, redis_killed),
        (15.0, killed("worker", 1)),
        (16.0, killed("worker", 2)),
    )
    stage.play(20.0, faults)
    stage.play(_CALM)
    found = runs(stage.marks(), stage.deaths)
    return slots(found, max(stage.deaths.values()))


def window(calls: Sequence[float]) -> Window:
    """Let the API count *calls* (epoch seconds): one that it refuses is none of its 100."""
    allowed: deque[float] = deque()
    taken, refused = [], 0
    for at in sorted(calls):
        while allowed and allowed[0] <= at - 1.0:
            allowed.popleft()
        if len(allowed) < _RATE:
            allowed.append(at)
            taken.append(at)
        else:
            refused += 1
    since = min(calls, default=0.0) + _SETTLING
    counted = sum(since <= at < since + _WINDOW for at in taken)
    return Window(len(calls), refused, counted / (_WINDOW * _RATE))


def slots(found: Sequence[Run], last_kill: float) -> Slots:
    """Look at all runs, and at those after the last kill."""
    end = max((run.since for run in found), default=last_kill)
    again = next((at for at, busy in _busy(found) if at > last_kill and busy >= _SLOTS), None)
    since = end - _LAST
    used = sum(max(0.0, min(run.until, end) - max(run.since, since)) for run in found)
    return Slots(most_at_once(found), None if again is None else again - last_kill, used / _LAST)


def _busy(found: Sequence[Run]) -> Iterable[tuple[float, int]]:
    """Give how many run, each time that this changes."""
    steps = sorted([(run.since, 1) for run in found] + [(run.until, -1) for run in found])
    busy = 0
    for at, step in steps:
        busy += step
        yield at, busy


def text(found: dict[str, Window | Slots]) -> str:
    """Return the table."""
    windows = any(isinstance(each, Window) for each in found.values())
    header = _WINDOW_HEADER if windows else _SLOTS_HEADER
    return table(header, [each.row(name) for name, each in found.items()])


def _contender(
    name: str, home: str, work: tuple[str, ...], settings: str, **variables: str
) -> Contender:
    pusher = ("{bin}/python", "{apps}/storm.py", f"rival_{home}")
    return Contender(
        name=name,
        home=home,
        crew=(Role("worker", work, 4),),
        pusher=("{bin}/node", "{bin}/features.mjs") if home == "node" else pusher,
        settings=settings,
        variables=variables,
    )


def _library(name: str, settings: str, **variables: str) -> Contender:
    work = Role("worker", ("{bin}/python", "{apps}/rival_limiters.py"), 4)
    return Contender(
        name=name, home="limiters", crew=(work,), settings=settings, variables=variables
    )


_CALL = {"BENCH_SECONDS": "0.05"}
_SLOT = {"BENCH_SECONDS": "0.5"}
_CELERY = (
    *("{bin}/celery", "-A", "rival_celery", "worker", "--concurrency", "4"),
    *("-n", "{me}@bench", "--loglevel", "ERROR"),
)
_NODE = ("{bin}/node", "{bin}/features.mjs", "work")
_DRAMATIQ = ("{bin}/dramatiq", "rival_dramatiq", "-p", "1", "-t", "4", "--skip-logging")
_HUEY = ("{bin}/huey_consumer", "rival_huey.queue", "-w", "4", "--quiet")
_RQ_EACH = "{bin}/rq worker default -u {url} --quiet --maintenance-interval 15"
_RQ = ("/bin/sh", "-c", f"for each in 1 2 3 4; do {_RQ_EACH} & done; wait")
_KIQ = ("{bin}/python", "-m", "kiq", "-r", "rival_kiq", "-c", "4", "-q", "default")
_WINDOWS = (
    _contender(
        "kiq", "kiq", _KIQ, '`limit=limits.window("api", 100, per=1)`, else the defaults', **_CALL
    ),
    _contender(
        "Celery",
        "celery",
        _CELERY,
        '`rate_limit="25/s"`: it counts in each of four workers apart',
        BENCH_ADDON="rate",
        **_CALL,
    ),
    _contender("BullMQ", "node", _NODE, "`limiter: { max: 100, duration: 1000 }`", **_CALL),
    _contender(
        "Dramatiq",
        "dramatiq",
        _DRAMATIQ,
        "`WindowRateLimiter(limit=100, window=1)`; refused jobs come again after 0.1 to 1 s",
        **_CALL,
    ),
    _contender(
        "Huey", "huey", _HUEY, "`rate_limit` of 100 per second, tried again as it says", **_CALL
    ),
    _library(
        "pyrate-limiter",
        "`RedisBucket`, `Rate(100, 1 s)`, waiting; 4 processes of 4 threads, no queue",
        BENCH_ADDON="pyrate",
        **_CALL,
    ),
    _library(
        "limits",
        "`MovingWindowRateLimiter` on Redis, asked each 5 ms; 4 processes of 4 threads, no queue",
        BENCH_ADDON="limits",
        **_CALL,
    ),
)
_SLOTS_OF = (
    _contender("kiq", "kiq", _KIQ, '`limit=limits.concurrent("slots", 5)`', **_SLOT),
    _contender("BullMQ", "node", _NODE, "`setGlobalConcurrency(5)`", **_SLOT),
    _contender(
        "Dramatiq",
        "dramatiq",
        _DRAMATIQ,
        "`ConcurrentRateLimiter(limit=5)`: its key is one of 15 minutes",
        **_SLOT,
    ),
    _contender(
        "Dramatiq, tuned",
        "dramatiq",
        _DRAMATIQ,
        "the same with `ttl=10_000`",
        BENCH_LOCK="10",
        **_SLOT,
    ),
    _contender(
        "RQ",
        "rq",
        _RQ,
        "`RateLimit(concurrency=5)`, `job_timeout=5`, `--maintenance-interval 15`",
        **_SLOT,
    ),
)
CONTENDERS = {"window": _WINDOWS, "slots": _SLOTS_OF}
