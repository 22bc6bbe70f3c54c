"""Tests that need what kiq can do without are left out where that is said, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.without import without
from tests.house.inner_pytest import pytest_says

FILE = "tests/unit/contrib/test_iteration_sqlalchemy.py"  # is not imported where sqlalchemy is left out
SINGLE = "tests/unit/docs/test_docs_context_and_databases.py"  # two of its tests are left out


def run(folder: Path, *arguments: str, missing: tuple[str, ...], said: str) -> tuple[int, str]:
    """Run tests where the modules *missing* are not installed, though *said* is; exit code, output."""
    environment = {**os.environ, **without(folder / "blocked", *missing), "KIQ_TEST_WITHOUT": said}
    return pytest_says(arguments, environment)


def test_what_is_said_to_be_missing_is_left_out_and_counted(tmp_path: Path) -> None:
    gone = ("sqlalchemy", "django")
    code, output = run(tmp_path, FILE, SINGLE, missing=gone, said="sqlalchemy django")
    assert code == 0
    assert "left out for want of sqlalchemy, files: 1" in output
    assert "left out for want of django and sqlalchemy, tests: 1" in output
    assert "left out for want of django, tests: 1" in output


@pytest.mark.parametrize("file", [FILE, SINGLE])
def test_what_is_missing_and_not_said_to_be_fails(file: str, tmp_path: Path) -> None:
    code, output = run(tmp_path, file, missing=("sqlalchemy", "django"), said="")
    assert code in (1, 2), output
    assert "sqlalchemy" in output


def test_what_is_there_can_t_be_left_out(tmp_path: Path) -> None:
    code, output = run(tmp_path, SINGLE, missing=(), said="sqlalchemy")
    assert code == 4
    assert "KIQ_TEST_WITHOUT names sqlalchemy, which is installed" in output
