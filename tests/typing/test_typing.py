"""mypy accepts what users should write, and refuses what would fail when it is pushed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]


def complaints(file: str) -> dict[int, str]:
    """Return what ``mypy --strict`` says of a snippet, by line."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml"),
            *("--no-error-summary", "--hide-error-context", "--no-pretty", str(HERE / file)),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode in (0, 1), done.stderr
    found = re.findall(rf"{re.escape(file)}:(\d+): error: (.*)", done.stdout)
    assert len(found) == done.stdout.count("error:"), done.stdout
    return {int(line): text for line, text in found}


def lines_marked_in(file: str) -> set[int]:
    lines = (HERE / file).read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if "# error: " in line}


def test_what_users_should_write_is_accepted() -> None:
    assert complaints("accepted.py") == {}


def test_each_marked_line_is_refused_and_no_other() -> None:
    found = complaints("refused.py")
    marked = lines_marked_in("refused.py")
    assert len(marked) >= 30
    assert marked - found.keys() == set(), "accepted, though it would fail when pushed"
    assert {line: found[line] for line in found.keys() - marked} == {}
