"""The tables of faults elsewhere name tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLES = sorted(TESTS.glob("traps*.md"))


@pytest.fixture(scope="module")
def places() -> dict[str, set[str]]:
    """Each test's name, and the files that have one of that name."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for name in re.findall(r"\bdef (test_\w+)", path.read_text("utf-8")):
            found.setdefault(name, set()).add(path.relative_to(TESTS).as_posix())
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda path: str(path.stem))
def test_a_table_names_tests_that_there_are(table: Path, places: dict[str, set[str]]) -> None:
    named = re.findall(r"`(?:([\w/]+\.py)::|\w*:{1,2})?(test_\w+)[`\[]", table.read_text("utf-8"))
    assert named
    for file, name in named:
        assert name in places, f"there is no {name}"
        assert not file or any(f"/{place}".endswith(f"/{file}") for place in places[name]), (
            f"{name} is not in {file}, but in {sorted(places[name])}"
        )


def test_every_file_that_a_table_names_is_there() -> None:
    for table in TABLES:
        for file in re.findall(r"`((?:[\w/]+/)?test_\w+\.py)`", table.read_text("utf-8")):
            assert list(TESTS.rglob(file)), f"{table.name} names {file}"
