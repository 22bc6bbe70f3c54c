"""Run all mutants: ``python -m tests.mutants.run [--only NAME] [--list]``; exit 1 if one survives.

``--only`` takes a part of a name, and may be repeated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tests.mutants.copies import Copy, Outcome
from tests.mutants.mutant import Mutant, Nodes
from tests.mutants.table import MUTANTS


def trials(mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, Nodes]]:
    """Yield each mutant with each set of tests that must catch it."""
    for mutant in mutants:
        for nodes in (mutant.caught_by, mutant.by_faults):
            if nodes:
                yield mutant, nodes


def attempt(mutant: Mutant, nodes: Nodes, base: Copy, folder: Path) -> Outcome:
    """Run *nodes* on a copy of *base* with the changes of *mutant*, made at *folder* and removed."""
    copy = Copy(folder, base.folder)
    try:
        copy.mutate(mutant)
        if nodes == mutant.by_faults:
            copy.probe(mutant)
        return _caught_in_one_of(mutant.runs, lambda: copy.test(nodes, mutant.error))
    except ValueError as error:
        return Outcome(str(error))
    finally:
        copy.remove()


def _caught_in_one_of(runs: int, test: Callable[[], Outcome]) -> Outcome:
    outcome = test()
    for _ in range(runs - 1):
        if not outcome.problem:
            break
        outcome = test()
    return outcome


def controlled(chosen: Sequence[tuple[Mutant, Nodes]], base: Copy) -> str:
    """Run all tests of *chosen* on *base*, which has no changes; return what is wrong, or ""."""
    nodes = dict.fromkeys(node for _, each in chosen for node in each)
    try:
        base.probe()
        return base.control(tuple(nodes))
    except ValueError as error:
        return str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what *arguments* name; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="a part of a mutant's name")
    parser.add_argument("--list", action="store_true", help="list the mutants, and run nothing")
    given = parser.parse_args(arguments)
    named = [m for m in MUTANTS if not given.only or any(part in m.name for part in given.only)]
    if given.list:
        for mutant in named:
            print(mutant.name)
        return 0
    if not named:
        print(f"no mutant has {given.only} in its name; --list shows them", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kiq-mutants-") as folder:
        return run(list(trials(named)), Path(folder))


def run(chosen: Sequence[tuple[Mutant, Nodes]], folder: Path) -> int:
    """Run *chosen* in copies under *folder*, and print a table; return 1 if one is not caught."""
    base = Copy(folder / "base")
    problem = controlled(chosen, base)
    if problem:
        print(f"the tests must pass on kiq as it is:\n{problem}", file=sys.stderr)
        return 1
    survivors = 0
    print(f"{'mutant':70} {'seconds':>7}  caught by")
    for number, (mutant, nodes) in enumerate(chosen):
        outcome = attempt(mutant, nodes, base, folder / str(number))
        print(f"{mutant.name:70} {outcome.seconds:7.1f}  {outcome.caught_by or 'NOTHING'}")
        print(f"    {outcome.complaint or outcome.problem}", flush=True)
        survivors += bool(outcome.problem)
    print(f"{len(chosen) - survivors} of {len(chosen)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
