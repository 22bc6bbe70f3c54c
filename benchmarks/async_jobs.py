"""Async jobs: kiq beside arq, SAQ and taskiq, and pushes from asyncio code beside redis.asyncio.

Each drains jobs that `await asyncio.sleep(0.05)`, and jobs that return at once, with up to 1,000 at a
time in one process, in turns, in one run. With 1,000 at a time jobs of 50 ms can't exceed 20,000 a
second. The peers come from parts/peers.py, installed into .bench/. Then `aio.perform_async` in turns
with `lpush` of redis.asyncio, by 1 and by 100 tasks. Ratios are what to look at.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parts import contestant, report
from parts.async_pushing import AsyncPushes, async_pushes
from parts.contestant import Contestant
from parts.drain import drain, python_folder
from parts.peer_home import prepare
from parts.peers import PEERS
from parts.samples import Spread, figure, spread
from support import Server

_AT_A_TIME = 1000
_SLEEP = 0.05  # seconds
_KINDS = {"sleep": _SLEEP, "no-op": 0.0}
#: What makes a peer run so many at a time: more of its command, more of its environment.
_MORE: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "arq": ((), {"BENCH_MAX_JOBS": f"{_AT_A_TIME}"}),
    "saq": ((), {"BENCH_CONCURRENCY": f"{_AT_A_TIME}"}),
    "taskiq-list": (
        ("--max-async-tasks", f"{_AT_A_TIME}", "--max-prefetch", f"{_AT_A_TIME}"),
        {},
    ),
}

Rates = dict[str, list[float]]


def main() -> None:
    """Measure, print, and write the JSON file."""
    arguments = _arguments()
    # First of all: an installation beside a measurement would be measured.
    contestants = _contestants(arguments.scale)
    folders = {each.name: prepare(each) if each.home else python_folder() for each in contestants}
    with Server() as server:
        rates = {
            kind: _rounds(server, contestants, folders, arguments, kind) for kind in arguments.kinds
        }
        for kind, found in rates.items():
            print(f"\n{kind}\n\n{_table(found)}")
        pushes = [
            async_pushes(server, tasks, round(20_000 * arguments.scale), arguments.runs)
            for tasks in (1, 100)
        ]
        print(f"\n{_pushes_table(pushes)}")
        report.finish(arguments, server, {"jobs_per_second": rates, "pushes": pushes})


def _arguments() -> argparse.Namespace:
    made = report.parser(__doc__)
    made.add_argument("--runs", type=report.positive, default=3, help="rounds, default %(default)s")
    made.add_argument(
        "--kinds", nargs="+", choices=list(_KINDS), default=list(_KINDS), help="default: both"
    )
    made.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="multiply all job counts: 0.1 to see that it works, 10 for a long look",
    )
    report.add_pinned(made)
    return made.parse_args()


def _contestants(scale: float) -> list[Contestant]:
    ours = replace(
        contestant.kiq(10, 60_000),
        name="kiq",
        arrangement=f"1 process, 10 threads, {_AT_A_TIME} coroutines",
        push=("{bin}/python", "-m", "kiq_async_app", "{jobs}"),
        worker=("{bin}/python", "-m", "kiq", "-r", "kiq_async_app"),
        environment={
            "KIQ_LOG_LEVEL": "warning",
            "KIQ_QUEUES": "default",
            "KIQ_ASYNC_CONCURRENCY": f"{_AT_A_TIME}",
        },
    )
    found = [ours]
    for peer in PEERS:
        if peer.name in _MORE:
            words, variables = _MORE[peer.name]
            worker = (*peer.worker, *words)
            environment = {**peer.environment, **variables}
            # What is taken a thousand ahead counts early: so there are many more than that.
            jobs = max(peer.jobs, 12 * _AT_A_TIME)
            found.append(replace(peer, worker=worker, environment=environment, jobs=jobs))
    return [replace(each, jobs=max(1, round(each.jobs * scale))) for each in found]


def _rounds(
    server: Server,
    contestants: Sequence[Contestant],
    folders: dict[str, Path],
    arguments: argparse.Namespace,
    kind: str,
) -> Rates:
    rates: Rates = {each.name: [] for each in contestants}
    for number in range(1, arguments.runs + 1):
        for each in contestants:
            seconds = {"BENCH_SECONDS": f"{_KINDS[kind]}"}
            one = replace(each, environment={**each.environment, **seconds})
            drained = drain(server, one, folders[each.name], pinned=arguments.pinned)
            rates[each.name].append(drained.jobs_per_second)
            print(
                f"round {number}, {kind}, {each.name}: {figure(drained.jobs_per_second)} jobs/s",
                flush=True,
            )
    return rates


def _table(rates: Rates) -> str:
    spreads: dict[str, Spread] = {name: spread(samples) for name, samples in rates.items()}
    ours = spreads["kiq"].median
    rows = [
        (name, str(found), "1" if name == "kiq" else figure(ours / found.median))
        for name, found in spreads.items()
    ]
    return report.table(("async", "jobs/s", "kiq / it"), rows)


def _pushes_table(pushes: Sequence[AsyncPushes]) -> str:
    header = ("pushes/s", "aio.perform_async", "redis.asyncio lpush", "kiq / redis.asyncio")
    rows = [
        (
            f"{each.tasks} task{'s' * (each.tasks > 1)}",
            str(each.kiq),
            str(each.redis_py),
            str(each.ratio),
        )
        for each in pushes
    ]
    return report.table(header, rows)


if __name__ == "__main__":
    report.run(main)
