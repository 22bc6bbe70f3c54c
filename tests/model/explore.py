"""``python -m tests.model.explore``: every order of events of a small worker fleet."""

from __future__ import annotations

import argparse
import sys
import time

from .mistakes import MISTAKES
from .search import Found, explore
from .state import Rules


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    defaults = Rules()
    parser = argparse.ArgumentParser(prog="python -m tests.model.explore", description=__doc__)
    parser.add_argument("--processes", type=int, default=defaults.processes)
    parser.add_argument("--jobs", type=int, default=2, help="3 with 3 faults: some minutes")
    parser.add_argument("--faults", type=int, default=2, help="how many may happen, at most")
    parser.add_argument(
        "--failures",
        type=int,
        help="verdicts other than done, at most: 0, or 1 with a mistake (ten times the states)",
    )
    parser.add_argument("--batch", type=int, default=defaults.batch, help="jobs that a fetch takes")
    parser.add_argument("--threads", type=int, default=defaults.threads, help="of each process")
    parser.add_argument("--parent", action="store_true", help="all are children of one")
    parser.add_argument("--mistake", default="", choices=["", *MISTAKES], metavar="NAME")
    parser.add_argument("--list-mistakes", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Explore as the command line says; return 1 when an invariant does not hold."""
    options = _arguments(arguments)
    if options.list_mistakes:
        for name, text in MISTAKES.items():
            print(f"{name:36}{text}")
        return 0
    rules = Rules(
        options.processes,
        options.jobs,
        options.faults,
        bool(options.mistake) if options.failures is None else options.failures,
        options.batch,
        options.threads,
        options.mistake,
        options.parent,
    )
    began = time.monotonic()
    found = explore(rules)
    print(report(found, time.monotonic() - began))
    return 1 if found.problem else 0


def report(found: Found, seconds: float) -> str:
    """Return the figures, and the shortest way to what is broken."""
    lines = [
        f"{found.states:,} states, {found.steps:,} steps, {found.ends:,} ends, "
        f"longest path {found.longest} steps, {seconds:.1f} s"
    ]
    if found.problem is None:
        lines.append("all invariants hold")
    else:
        lines.append(f"BROKEN after {len(found.trace)} steps: {found.problem}")
        lines += [f"{number:3}. {step}" for number, step in enumerate(found.trace, start=1)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
