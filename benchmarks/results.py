"""What results cost: no-op jobs with and without, and the memory that one takes in Redis.

kiq, Dramatiq, Celery and RQ drain queues of no-op jobs that return a number, in turns, in one run: once as
benchmarks/compare.py has them, once with results that are kept for ten minutes (Dramatiq's and Celery's by
their Redis backends). The share is what is left of the rate; memory is what Redis has more of after the
drain, for each result. --only chooses peers, which are installed under .bench/ the first time.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from parts import contestant, report
from parts.contestant import Contestant
from parts.drain import drain, python_folder
from parts.peer_home import prepare
from parts.peers import PEERS
from parts.samples import figure, spread
from support import Server

_NAMES = ("dramatiq-1", "celery-prefork", "rq-simple")
_TTL = "600"  # seconds


def main() -> None:
    """Measure, print, and write the JSON file."""
    arguments = _arguments()
    chosen = [contestant.kiq(10, arguments.jobs)]
    chosen += [peer for peer in PEERS if peer.name in arguments.only]
    chosen = [replace(each, jobs=max(1, round(each.jobs * arguments.scale))) for each in chosen]
    folders = {each.name: prepare(each) if each.home else python_folder() for each in chosen}
    found: dict[str, Any] = {}
    with Server() as server:
        rounds = [_round(server, chosen, folders, number) for number in range(arguments.runs)]
        for each in chosen:
            plain, kept = ([one[each.name][at]["rate"] for one in rounds] for at in (0, 1))
            bytes_ = [one[each.name][1]["memory"] - one[each.name][0]["memory"] for one in rounds]
            share = spread([b / a for a, b in zip(plain, kept, strict=True)])
            found[each.name] = {"plain": plain, "kept": kept, "memory": bytes_}
            print(
                f"{each.name:<15} {spread(plain)} jobs/s, with results {spread(kept)}; share {share}; "
                f"{spread([size / each.jobs for size in bytes_])} bytes a result"
            )
        report.finish(arguments, server, found)


def _arguments() -> argparse.Namespace:
    made = report.parser(__doc__)
    made.add_argument(
        "--only", nargs="*", choices=_NAMES, default=list(_NAMES), metavar="PEER", help=str(_NAMES)
    )
    made.add_argument("--runs", type=report.positive, default=3, help="rounds, default %(default)s")
    made.add_argument("--jobs", type=report.positive, default=200_000, help="for kiq")
    made.add_argument("--scale", type=float, default=1.0, help="multiply all job counts")
    return made.parse_args()


def _round(
    server: Server, chosen: list[Contestant], folders: dict[str, Path], number: int
) -> dict[str, list[dict[str, float]]]:
    rates: dict[str, list[dict[str, float]]] = {}
    for each in chosen:
        rates[each.name] = []
        for ttl in ("", _TTL):
            one = replace(each, environment={**each.environment, "BENCH_RESULT_TTL": ttl})
            done = drain(server, one, folders[each.name])
            memory: Any = server.client().info("memory")
            rates[each.name].append(
                {"rate": done.jobs_per_second, "memory": float(memory["used_memory"])}
            )
            said = "with results" if ttl else "without"
            print(
                f"run {number + 1}, {each.name} {said}: {figure(done.jobs_per_second)}/s",
                flush=True,
            )
    return rates


if __name__ == "__main__":
    report.run(main)
