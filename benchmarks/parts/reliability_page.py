"""The table of recovery times in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support import BenchmarkError

from parts.report import ROOT

PAGE = ROOT / "docs" / "reliability.md"
#: What stands between these is written by the measurement.
BEGIN = "<!-- by benchmarks/recovery.py --write -->"
END = "<!-- end -->"


def write(table: str, runs: int, machine: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    """Put *table* into the page, with what its figures depend on. *runs* is of each case.

    Raises BenchmarkError when the page has no place for it.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise BenchmarkError(f"{PAGE} has no place for the table: {BEGIN} and {END} are missing")
    facts = (
        f"{runs} runs of each case, on {machine['cpus']} cores ({machine['cpu']}), "
        f"CPython {machine['python']}, {versions['server']}, kiq {versions['commit']}:"
    )
    PAGE.write_text(
        f"{before}{begin}\n{facts}\n\n{table}\n{end}{after}",
        encoding="utf-8",
    )
