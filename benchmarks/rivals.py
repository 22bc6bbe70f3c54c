"""Features of kiq beside those of its rivals, under the same faults: what is lost, twice, stuck, late.

For each test the same load on a private server (`appendfsync always`), while workers, schedulers
and Redis are killed with SIGKILL and come back. It counts events; it does not time throughput, so
other work on the machine is tolerable. `unique`: a storm of pushes for 30 keys. `alone`: of each key one
runs at a time. `periodic`: a tick every two seconds for a minute. `batches`: forty with a callback each.
`window`: an API that takes 100 calls in any second. `slots`: five at a time. Each contender takes
one to three minutes, --abreast runs some at once. Rivals are installed under .bench/, pinned by version
and digest; BullMQ with its Node, as compare.py does. --write renews the tables in RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from features import batches, limits, pages, periodic, unique
from features.contender import Contender
from features.homes import prepare, versions
from features.stage import Stage
from parts import report
from parts.away_server import AwayServer
from support import BenchmarkError, Server

_TESTS: dict[str, Any] = {
    "batches": batches,
    "unique": unique,
    "alone": unique,
    "periodic": periodic,
    "window": limits,
    "slots": limits,
}


#: Where Redis is not killed, and the disk of a busy machine must not be what is measured.
_FSYNC = {"window": "everysec"}


def main() -> None:
    """Play, print, and write the page and the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "tests", nargs="*", metavar="TEST", help=f"of {', '.join(_TESTS)}; default all"
    )
    made.add_argument(
        "--only", nargs="+", default=[""], help="names that begin so, such as kiq BullMQ"
    )
    made.add_argument("--abreast", type=report.positive, default=1, help="default %(default)s")
    made.add_argument("--write", action="store_true", help="renew the tables in RESULTS.md")
    arguments = made.parse_args()
    chosen = [name for name in _TESTS if name in (arguments.tests or _TESTS)]
    if unknown := set(arguments.tests) - set(_TESTS):
        made.error(f"there is no test {', '.join(sorted(unknown))}: there are {', '.join(_TESTS)}")
    begun = time.monotonic()
    results = {test: _test(test, arguments) for test in chosen}
    print(f"\n{time.monotonic() - begun:.0f} s")
    with Server() as server:
        facts = {**report.machine(), **report.versions(server)}
        for test, found in results.items() if arguments.write else ():
            played = _contenders(test, arguments)
            told = facts | versions({each.home for each in played})
            pages.write(test, _TESTS[test].text(found), played, told)
        plain = {
            test: {name: asdict(each) for name, each in found.items()}
            for test, found in results.items()
        }
        report.finish(arguments, server, plain)


def _contenders(test: str, arguments: argparse.Namespace) -> list[Contender]:
    return [
        each
        for each in _TESTS[test].CONTENDERS[test]
        if any(each.name.lower().startswith(only.lower()) for only in arguments.only)
    ]


def _test(test: str, arguments: argparse.Namespace) -> dict[str, Any]:
    chosen = _contenders(test, arguments)
    folders = {each.name: prepare(each) for each in chosen}
    with ThreadPoolExecutor(arguments.abreast) as pool:
        played = pool.map(lambda each: _play(test, each, folders[each.name]), chosen)
        found = {
            each.name: came for each, came in zip(chosen, played, strict=True) if came is not None
        }
    print(f"\n{test}\n\n{_TESTS[test].text(found)}", flush=True)
    return found


def _play(test: str, contender: Contender, folder: Path) -> Any:
    """Play one contender on a server of its own; None, and a word, when it did not get to the end."""
    try:
        with (
            AwayServer("--appendfsync", _FSYNC.get(test, "always")) as server,
            Stage(contender, test, folder, server) as stage,
        ):
            came = _TESTS[test].play(stage, test)
            print(f"{test}, {contender.name}: {asdict(came)}", flush=True)
            if os.environ.get("BENCH_SAID"):
                print(stage.said(), flush=True)
            return came
    except BenchmarkError as error:
        print(f"{test}, {contender.name}: {error}", flush=True)
        return None


if __name__ == "__main__":
    report.run(main)
