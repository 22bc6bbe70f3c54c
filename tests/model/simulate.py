"""``python -m tests.model.simulate``: one random history of a larger fleet for each seed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable

from .mistakes import MISTAKES
from .simulation import Broken, Simulation, rules_of


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--events", type=int, default=500, help="steps while faults may happen")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="print every step")
    parser.add_argument("--mistake", default="", choices=["", *MISTAKES], metavar="NAME")
    return parser.parse_args(arguments)


def first_failure(seeds: Iterable[int], events: int, mistake: str = "") -> tuple[int, str] | None:
    """Return the first of *seeds* whose run is broken, and how; None when all hold."""
    for seed in seeds:
        try:
            Simulation(seed, mistake).run(events)
        except Broken as error:
            return seed, str(error)
    return None


def trace(seed: int, events: int, mistake: str = "") -> list[str]:
    """Return every step of *seed*'s run in words, and at its end how it came out."""
    lines = [str(rules_of(seed, mistake))]
    try:
        Simulation(seed, mistake, lines.append).run(events)
        lines.append("all jobs are settled, all invariants held")
    except Broken as error:
        lines.append(f"BROKEN: {error}")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Simulate as the command line says; return 1 when a seed's run is broken."""
    options = _arguments(arguments)
    if options.seed is not None and options.trace:
        lines = trace(options.seed, options.events, options.mistake)
        print("\n".join(lines))
        return int(lines[-1].startswith("BROKEN"))
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    began = time.monotonic()
    failure = first_failure(seeds, options.events, options.mistake)
    if failure:
        seed, problem = failure
        print(
            f"seed {seed} is BROKEN: {problem}\nsee it: --seed {seed} --events {options.events} --trace"
        )
        return 1
    print(f"{len(seeds)} seeds, {time.monotonic() - began:.1f} s: all invariants held, all settled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
