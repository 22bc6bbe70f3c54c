"""What a mutant is: kiq with one mistake in it, and the tests that have to notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: Names of tests as pytest has them: ``file::test``, from the repository's root.
Nodes = tuple[str, ...]


class Change(NamedTuple):
    """Text of a file that is replaced. *old* must occur exactly once, so that a mutant can't go stale."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A mistake with a *name*, and which tests catch it.

    *caught_by* are quick: a few seconds. Tests in *by_faults* catch it too, by what a killed, cut off
    or frozen process leaves behind; they take longer, and are left out of the short form. A test that
    is to fail by an *error* of kiq, and not by an assertion, says so. A mistake that is a race shows in
    most runs only: it has to be caught in one of so many *runs*.
    """

    name: str
    changes: tuple[Change, ...]
    caught_by: Nodes = ()
    by_faults: Nodes = ()
    error: str = ""
    runs: int = 1


def lua(script: str, old: str, new: str) -> Change:
    """Return a change of a script."""
    return Change(f"kiq/store/lua/{script}.lua", old, new)


def store(*names: str) -> Nodes:
    """Return the tests ``room::name`` of the store."""
    return tuple(
        f"tests/integration/test_store_{name.replace('::', '.py::test_')}" for name in names
    )


def faults(*names: str) -> Nodes:
    """Return tests of short faults."""
    return tuple(f"tests/chaos/test_short_faults.py::test_{name}" for name in names)
