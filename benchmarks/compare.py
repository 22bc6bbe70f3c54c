"""kiq beside its peers: the same drain of no-op jobs for each, in turns, in one run.

Installs the peers (Celery, Dramatiq, Huey, RQ, SAQ, arq, taskiq, and BullMQ with its Node: the table
in parts/peers.py takes more) under .bench/, where they stay for the next time. Each drains as many jobs
as suit its speed, with its recommended fast settings; after --runs rounds, medians, ranges and
ratios are printed: with loggers silenced, the same with workers pinned to CPU 0 (--pinned: that
alone), and with the default logging to a file (kiq, Sidekiq, BullMQ). --only chooses peers. --write
renews RESULTS.md and the chart throughput.svg. Sidekiq takes part where the machine has it (Debian: apt-get
install ruby-sidekiq); newer ones as root on Debian, from its newer releases (minutes, the first time).
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from features import pages
from parts import contestant, debian, node_home, report
from parts.chart import bar_chart
from parts.contestant import Contestant
from parts.drain import drain, python_folder
from parts.peer_home import installed, prepare
from parts.peers import PEERS
from parts.results_page import page, results_table
from parts.samples import Spread, figure, spread
from support import BenchmarkError, Server

_RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
_CHART = _RESULTS.with_name("throughput.svg")
_MODES = {
    "free": "Loggers silenced",
    "pinned": "Loggers silenced, the worker pinned to CPU 0",
    "logged": "As they come: default logging, to a file",
}

Rates = dict[str, list[float]]


def main() -> None:
    """Measure, print, and write the page and the JSON file."""
    arguments = _arguments()
    contestants = _contestants(arguments)
    # First of all: an installation beside a measurement would be measured.
    folders = {each.name: _folder(each) for each in contestants}
    with Server() as server:
        facts = report.machine()
        rates = {
            mode: _rounds(server, _in_mode(contestants, mode), folders, arguments.runs, mode)
            for mode in arguments.modes
        }
        spreads = {mode: _spreads(found) for mode, found in rates.items()}
        tables = {
            _MODES[mode]: results_table(
                _in_mode(contestants, mode), found, list(spreads[mode].values())
            )
            for mode, found in rates.items()
        }
        for heading, text in tables.items():
            print(f"\n{heading}\n\n{text}")
        versions = {**report.versions(server), **_versions(contestants, folders)}
        if arguments.write:
            command = shlex.join(["python", "benchmarks/compare.py", *_told(sys.argv[1:])])
            text = page(command, facts, versions, contestants, tables, _CHART.name)
            _write(_RESULTS, text + pages.kept())
            _write(_CHART, _chart(spreads))
        report.finish(arguments, server, _results(rates, spreads, versions))


def _arguments() -> argparse.Namespace:
    made = report.parser(__doc__)
    names = [peer.name for peer in PEERS]
    made.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="PEER",
        help=f"kiq and these: {', '.join(names)}; default: all",
    )
    made.add_argument("--runs", type=report.positive, default=3, help="rounds, default %(default)s")
    modes = made.add_mutually_exclusive_group()
    modes.add_argument(
        "--modes", nargs="+", choices=list(_MODES), default=list(_MODES), help="default: all"
    )
    modes.add_argument(
        "--pinned", dest="modes", action="store_const", const=["pinned"], help="--modes pinned"
    )
    made.add_argument("--jobs", type=report.positive, default=500_000, help="for kiq")
    made.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="multiply all job counts: 0.1 to see that it works, 10 for a long look",
    )
    made.add_argument("--write", action="store_true", help="renew RESULTS.md and throughput.svg")
    arguments = made.parse_args()
    if arguments.write and arguments.runs < 3:
        made.error("--write needs --runs 3 or more: a median of less says nothing")
    if arguments.write and set(arguments.modes) != set(_MODES):
        made.error("--write needs all modes: what is faster on one CPU may be slower on two")
    return arguments


def _contestants(arguments: argparse.Namespace) -> list[Contestant]:
    chosen = [contestant.kiq(10, arguments.jobs), contestant.kiq(10, arguments.jobs, "json")]
    chosen += [peer for peer in PEERS if peer.name in arguments.only and _is_there(peer)]
    return [replace(each, jobs=max(1, round(each.jobs * arguments.scale))) for each in chosen]


def _is_there(peer: Contestant) -> bool:
    if peer.release:
        return debian.make(peer.release)
    if peer.node:
        return node_home.make(peer.node)
    there = not peer.program or shutil.which(peer.program) is not None
    if not there:
        print(f"{peer.name} is left out: the machine has no program of that name")
    return there


def _in_mode(contestants: Sequence[Contestant], mode: str) -> list[Contestant]:
    return [each for each in contestants if mode != "logged" or each.logged is not None]


def _folder(each: Contestant) -> Path:
    """Return the folder with what runs it; a peer of Python is installed first."""
    if each.release:
        return debian.programs(each.release)
    if each.node:
        return node_home.folder(each.node)
    if each.program:
        return Path(shutil.which(each.program) or each.program).parent
    return prepare(each) if each.home else python_folder()


def _rounds(
    server: Server,
    contestants: Sequence[Contestant],
    folders: dict[str, Path],
    runs: int,
    mode: str,
) -> Rates:
    """Return the jobs a second of each contestant by its name, in each round."""
    pinned, logged = mode == "pinned", mode == "logged"
    rates: Rates = {each.name: [] for each in contestants}
    for number in range(1, runs + 1):
        for each in contestants:
            drained = drain(server, each, folders[each.name], pinned=pinned, logged=logged)
            rates[each.name].append(drained.jobs_per_second)
            speed = figure(drained.jobs_per_second)
            print(f"round {number}, {mode}, {each.name}: {speed} jobs/s", flush=True)
    return rates


def _spreads(rates: Rates) -> dict[str, Spread]:
    return {name: spread(samples) for name, samples in rates.items()}


def _versions(contestants: Sequence[Contestant], folders: dict[str, Path]) -> dict[str, str]:
    """Return the version of each peer itself, by its package's name."""
    found: dict[str, str] = {}
    for each in contestants:
        if each.home and each.home not in found:
            packages = installed(folders[each.name])
            if each.home not in packages:
                raise BenchmarkError(
                    f"{each.home} is not in its environment: remove .bench/{each.home}"
                )
            found[each.home] = packages[each.home]
        if each.node:
            found |= node_home.versions(each.node)
        if each.program:
            suffix = f" of {each.release}" if each.release else ""
            for program in ("ruby", each.program):
                command = [str(folders[each.name] / program), "--version"]
                found[f"{program}{suffix}"] = _version(command)
    return found


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()[1]  # after the name


def _told(words: list[str]) -> list[str]:
    """Return the options for the page: where a JSON file went is nobody's concern."""
    if "--json" in words:
        at = words.index("--json")
        return words[:at] + words[at + 2 :]
    return words


def _chart(spreads: dict[str, dict[str, Spread]]) -> str:
    title = "No-op jobs a second, median of the rounds (logarithmic)"
    return bar_chart(title, {_MODES[mode]: found for mode, found in spreads.items()})


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    print(f"\nwritten: {file.relative_to(report.ROOT)}")


def _results(
    rates: dict[str, Rates], spreads: dict[str, dict[str, Spread]], versions: dict[str, str]
) -> dict[str, Any]:
    return {"jobs_per_second": spreads, "rounds": rates, "installed": versions}


if __name__ == "__main__":
    report.run(main)
