"""How long until work goes on after a death: of a worker, and of Redis.

a  kill -9 of a worker; another one runs on the same host, with the same run folder
b  kill -9 of a worker; another one is started on the same host at once
c  kill -9 of a worker; another one runs on another host (its name and its run folder are others)
d  kill -9 of Redis, which comes back after 0.5, 5 and 20 s with its data (AOF)
e  the network to Redis swallows everything for 7 and 30 s, and up to 5 more (so that it ends at any
   moment of a try that waits in vain), and closes nothing: a black hole
f  Redis is stopped where it stands for 7 and 30 s (SIGSTOP), and answers late
g  kill -9 of a worker; another one runs on the same host, with a run folder of its own
h  kill -9 of a worker in a container that is started anew each 9 s, with a new run folder, and
   killed again, until its jobs are back: nobody else is there
i  kill -9 of a worker in a container; another one, of another host name, shares its run folder

a to c and g to i: from the kill until each of the ten jobs that ran starts again (b also: from when
the new process was ready). Where only the lease tells of the death (c, g, h) it is 5 s; with --long
also 20 s, the default: up to 1 minute for each run, so --abreast 4 lets four runs of c, g or h wait
for their leases side by side, each with a server of its own. d to f: from Redis's return until a job
that was pushed right then starts, which takes a fetch, and until the first job that started after the
return ends.

Prints median and maximum beside the goal; exit code 1 when a maximum misses it. --write puts the
table into docs/reliability.md. What stands there is made, in about an hour of a quiet machine, by

    recovery.py --runs 20 --long --abreast 4 --write
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from parts import report
from support import APPS, BenchmarkError, Server

sys.path.insert(0, str(APPS))
from parts.away_server import AwayServer
from parts.black_hole import BlackHole
from parts.dead_worker import Restarts, beside_another, in_short_lives, replaced
from parts.outage import after_outage
from parts.reliability_page import write

_SAME_HOST = 1.5  # seconds; "about a second": locks are looked at each second
_BEYOND_LEASE = 15.0
_BEYOND_LEASE_IN_LIVES = 45.0
_LIFE = 9.0
_AFTER_RESTART = 2.0
_AFTER_SILENCE = 8.0
_SILENCES = (7.0, 30.0)
_TRY = 5.0  # seconds that a worker waits for an answer
_SHORT_LEASE, _DEFAULT_LEASE = 5.0, 20.0


@dataclass(frozen=True, slots=True)
class Figure:
    """What one case came to, in seconds; *goal* is None where nothing is promised."""

    case: str
    what: str
    goal: float | None
    seconds: list[float]

    @property
    def missed(self) -> bool:
        """Whether it took longer than promised, even once."""
        return self.goal is not None and max(self.seconds) > self.goal

    def row(self) -> tuple[str, ...]:
        """Return the figure as a row of a table."""
        middle, worst = statistics.median(self.seconds), max(self.seconds)
        goal = "" if self.goal is None else f"{self.goal:g}"
        said = "" if self.goal is None else "missed" if self.missed else "met"
        return (
            self.case,
            self.what,
            str(len(self.seconds)),
            f"{middle:.2f}",
            f"{worst:.2f}",
            goal,
            said,
        )


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--runs", type=report.positive, default=5, help="default %(default)s")
    made.add_argument(
        "--only", type=_cases, default=list(CASES), metavar="a,b,...", help="default all"
    )
    made.add_argument("--long", action="store_true", help="c, g and h also with a lease of 20 s")
    made.add_argument(
        "--abreast", type=report.positive, default=1, help="runs of c, g, h; default %(default)s"
    )
    made.add_argument("--write", action="store_true", help="renew the table of reliability.md")
    arguments = made.parse_args()
    if arguments.write and (set(arguments.only) != set(CASES) or not arguments.long):
        made.error("--write needs all cases, and --long")
    figures: list[Figure] = []
    with AwayServer() as server:
        for name in arguments.only:
            for figure in CASES[name](server, arguments):
                figures.append(figure)
                print(" ".join(filter(None, figure.row())), flush=True)
        table = report.table(_HEADER, [figure.row() for figure in figures], words=2)
        print(table)
        if arguments.write:
            write(table, arguments.runs, report.machine(), report.versions(server))
        report.finish(arguments, server, figures)
    missed = [f"{figure.case}, {figure.what}" for figure in figures if figure.missed]
    if missed:
        raise BenchmarkError(f"goals are missed: {'; '.join(missed)}")


_HEADER = ("case", "seconds", "samples", "p50", "worst", "goal", "")


def _cases(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    return names


def _same_host(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    found = [beside_another(server, _DEFAULT_LEASE) for _ in range(arguments.runs)]
    yield _since_kill("a: same host, another worker", _SAME_HOST, found)


def _replaced(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    found = [replaced(server, _DEFAULT_LEASE) for _ in range(arguments.runs)]
    case = "b: same host, started anew"
    kill = chain.from_iterable(each.since_kill for each in found)
    yield Figure(case, "kill to restart", None, [*kill])
    ready = chain.from_iterable(each.since_ready or () for each in found)
    yield Figure(case, "ready to restart", _SAME_HOST, [*ready])


def _other_host(_: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for lease in _leases(arguments):
        measure = partial(beside_another, lease=lease, host="other", run="other")
        found = _abreast(arguments, measure)
        yield _since_kill(f"c: another host, lease {lease:g} s", lease + _BEYOND_LEASE, found)


def _other_folder(_: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for lease in _leases(arguments):
        found = _abreast(arguments, partial(beside_another, lease=lease, run="other"))
        case = f"g: same host, separate folder, lease {lease:g} s"
        yield _since_kill(case, lease + _BEYOND_LEASE, found)


def _short_lives(_: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for lease in _leases(arguments):
        found = _abreast(arguments, partial(in_short_lives, lease=lease, life=_LIFE))
        case = f"h: container restarts each {_LIFE:g} s, lease {lease:g} s"
        yield _since_kill(case, lease + _BEYOND_LEASE_IN_LIVES, found)


def _shared_folder(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    runs = range(arguments.runs)
    found = [beside_another(server, _DEFAULT_LEASE, host="other") for _ in runs]
    yield _since_kill("i: another container, shared folder", _SAME_HOST, found)


def _leases(arguments: argparse.Namespace) -> tuple[float, ...]:
    return (_SHORT_LEASE, _DEFAULT_LEASE) if arguments.long else (_SHORT_LEASE,)


def _abreast(
    arguments: argparse.Namespace, measure: Callable[[Server], Restarts]
) -> list[Restarts]:
    """Run *measure* so many times, each on a server of its own, some of them at once."""

    def one(_: int) -> Restarts:
        with Server() as server:
            return measure(server)

    with ThreadPoolExecutor(arguments.abreast) as pool:
        return list(pool.map(one, range(arguments.runs)))


def _since_kill(case: str, goal: float, found: Sequence[Restarts]) -> Figure:
    seconds = chain.from_iterable(each.since_kill for each in found)
    return Figure(case, "kill to restart", goal, [*seconds])


def _restarted(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for away in (0.5, 5.0, 20.0):
        case = f"d: Redis killed, back after {away:g} s"
        be_away = partial(server.killed_for, away)
        yield from _outage(server, be_away, arguments.runs, case, _AFTER_RESTART)


def _black_hole(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for away in _SILENCES:
        case = f"e: black hole of {away:g} to {away + _TRY:g} s"
        with BlackHole(server.port) as hole:

            def be_away(hole: BlackHole = hole, away: float = away) -> float:
                return hole.swallow_for(away + random.uniform(0, _TRY))

            url = f"redis://127.0.0.1:{hole.port}/0"
            yield from _outage(server, be_away, arguments.runs, case, _AFTER_SILENCE, url)


def _frozen(server: AwayServer, arguments: argparse.Namespace) -> Iterator[Figure]:
    for away in _SILENCES:
        case = f"f: Redis stopped for {away:g} s"
        be_away = partial(server.frozen_for, away)
        yield from _outage(server, be_away, arguments.runs, case, _AFTER_SILENCE)


def _outage(
    server: AwayServer,
    be_away: Callable[[], float],
    runs: int,
    case: str,
    goal: float,
    url: str | None = None,
) -> Iterator[Figure]:
    found = [after_outage(server, be_away, url) for _ in range(runs)]
    yield Figure(case, "return to first fetch", goal, [each.fetch for each in found])
    yield Figure(case, "return to first end", goal, [each.end for each in found])


CASES: dict[str, Callable[[AwayServer, argparse.Namespace], Iterator[Figure]]] = {
    "a": _same_host,
    "b": _replaced,
    "c": _other_host,
    "d": _restarted,
    "e": _black_hole,
    "f": _frozen,
    "g": _other_folder,
    "h": _short_lives,
    "i": _shared_folder,
}


if __name__ == "__main__":
    report.run(main)
