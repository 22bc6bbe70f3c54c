"""The tables in RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parts.report import ROOT
from support import BenchmarkError

from features.contender import Contender

PAGE = ROOT / "benchmarks" / "RESULTS.md"
#: The part of the page that is not compare.py's begins with it, and goes on to the end.
HEADING = "## Features under faults"


def kept() -> str:
    """Return the part of the page that is not compare.py's, with the line before it."""
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(HEADING)
    return f"\n{heading}{rest}" if heading else ""


def marks(test: str) -> tuple[str, str]:
    """Return the lines of the page between which the table of *test* stands."""
    return f"<!-- by benchmarks/rivals.py {test} --write -->", f"<!-- end of {test} -->"


def write(test: str, table: str, contenders: Sequence[Contender], facts: Mapping[str, Any]) -> None:
    """Put *table* into the page, with settings and versions. Raises BenchmarkError without a place."""
    begin, end = marks(test)
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise BenchmarkError(f"{PAGE} has no place for the table: {begin} and {end} are missing")
    settings = "\n".join(f"- {each.name}: {each.settings}." for each in contenders)
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
    text = f"{begin}\n\n{table}\n\n{settings}\n\nOn: {told}.\n\n{end}"
    PAGE.write_text(f"{before}{text}{after}", encoding="utf-8")
