"""The matrix of the CI: what pyproject.toml promises has a square, and one that can't run says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.house.source import ROOT, project
from tests.matrix import interpreters
from tests.matrix.interpreters import Interpreter, NotToBeHad
from tests.matrix.run import Result, run_tests, summary, try_again
from tests.matrix.squares import MODULES, oldest, squares, versions

NONE = "#!/bin/sh\nexit 127\n"  # as a shim of pyenv's for a version that is not chosen


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def says(version: str) -> str:
    """A program that answers as a Python of *version* does."""
    return f"#!/bin/sh\necho {version}\n"


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the only one where programs are found; no other Debian can be made."""
    monkeypatch.setenv("PATH", str(tmp_path / "first"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(interpreters, "RELEASES", {})
    return tmp_path


def test_every_python_and_every_extra_that_pyproject_names_is_tried() -> None:
    tried = {square.python for square in squares() if not square.oldest}
    assert set(versions()) <= tried
    assert versions()[0] == project()["project"]["requires-python"].removeprefix(">=")
    extras = set(project()["project"]["optional-dependencies"]) - {"dev", "test"}
    assert set(MODULES) == extras
    (bare,) = [square for square in squares() if square.name == "bare"]
    assert set(bare.missing) >= set(MODULES.values())


def test_the_tests_of_a_square_are_there() -> None:
    named = {path for square in squares() for path in square.tests}
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_floor_is_what_pyproject_allows() -> None:
    held = oldest(MODULES)
    assert "redis==6" in held
    extras = project()["project"]["optional-dependencies"]
    needed = sum(len(extras[name]) for name in MODULES)
    assert len(held) == len(project()["project"]["dependencies"]) + needed
    assert all(each.count("==") == 1 for each in held)


def test_the_python_that_runs_is_taken_for_its_own_version(alone: Path) -> None:
    assert interpreters.find("{}.{}".format(*sys.version_info)).path == sys.executable


def test_a_shim_that_does_not_run_is_passed_over(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{alone / 'first'}{os.pathsep}{alone / 'second'}")
    program(alone / "first" / "python3.99", NONE)
    real = program(alone / "second" / "python3.99", says("3.99.1"))
    assert interpreters.find("3.99") == Interpreter(str(real))


@pytest.mark.parametrize("by", ["PYENV_ROOT", "pyenv root"])
def test_pyenv_is_asked_for_its_newest(
    by: str, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = alone / "pyenv"
    for version in ("3.99.2", "3.99.10", "3.99.11t", "3.98.1"):
        program(root / "versions" / version / "bin" / "python3.99", says(version))
    if by == "PYENV_ROOT":
        monkeypatch.setenv("PYENV_ROOT", str(root))
    else:
        program(alone / "first" / "pyenv", f"#!/bin/sh\necho {root}\n")
    found = interpreters.find("3.99")
    assert found.path == str(root / "versions" / "3.99.10" / "bin" / "python3.99")


def test_what_is_nowhere_is_said_to_be(alone: Path) -> None:
    with pytest.raises(NotToBeHad, match=r"no Python 3\.99 on the PATH or with pyenv"):
        interpreters.find("3.99")


def test_a_debian_that_can_t_be_made_is_said_with_the_reason(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "RELEASES", {"3.99": "potato"})
    monkeypatch.setattr(interpreters, "ROOT", alone)
    maker = "#!/bin/sh\necho 'debian-release: no mirror answers' >&2; exit 1\n"
    program(alone / ".ci" / "debian-release", maker)
    with pytest.raises(NotToBeHad, match="and no Debian potato: no mirror answers"):
        interpreters.find("3.99")


def test_the_summary_names_every_square_and_closes_with_a_count() -> None:
    table = summary(
        [
            Result("bare", "3.11.7", counts=Counter(passed=1200), seconds=61.2),
            Result("floor", "3.11.7", counts=Counter(passed=9, failed=2, error=1)),
            Result("python-3.99", problem="NOT RUN: no Python 3.99"),
            Result("walk", "3.11.7", problem="FAILED: no test ran"),
        ]
    )
    assert table.splitlines()[2:] == [
        "bare         3.11.7  1,200 passed in 61 s",
        "floor        3.11.7  9 passed, 2 failed, 1 error in 0 s",
        "python-3.99  -       NOT RUN: no Python 3.99",
        "walk         3.11.7  FAILED: no test ran",
        "1209 passed, 4 failed, 0 unsteady",
    ]


TRIED = """
import pathlib, pytest

def test_steady():
    pass

def test_unsteady():
    before = pathlib.Path(__file__).with_suffix(".before")
    if not before.exists():
        before.touch()
        pytest.fail("a race - lost")

@pytest.mark.parametrize("what", ["a b - c"])
def test_broken(what):
    assert what == "broken" or not BROKEN
"""


@pytest.mark.parametrize("broken", [False, True])
def test_what_fails_is_tried_once_more_alone(broken: bool, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_tried.py").write_text(TRIED + f"\nBROKEN = {broken}\n")
    pytest_there = (
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    )
    shell = f"cd {tmp_path} && exec {' '.join(pytest_there)}"
    result = Result("test")
    run_tests(("sh", "-c", f"{shell} tests"), os.environ, result)
    assert result.failed == (2 if broken else 1)
    try_again(result, ("sh", "-c", f'{shell} "$@"', "sh"), os.environ)
    if broken:
        assert (result.failed, result.unsteady) == (2, [])
    else:
        assert (result.failed, result.counts["passed"]) == (0, 3)
        assert result.unsteady == ["tests/test_tried.py::test_unsteady"]
        last = summary([result]).splitlines()[-2:]
        assert last[0] == "UNSTEADY in test: tests/test_tried.py::test_unsteady"
        assert last[1] == "3 passed, 0 failed, 1 unsteady"


def test_a_release_that_nobody_may_make_is_refused_with_the_reason(tmp_path: Path) -> None:
    program(tmp_path / "as-user" / "id", "#!/bin/sh\necho 1000\n")
    path = os.pathsep.join((str(tmp_path / "as-user"), os.environ["PATH"]))
    done = subprocess.run(
        [ROOT / ".ci" / "debian-release", "potato", tmp_path / "potato", "python3"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == "debian-release: making a Debian potato takes root\n"
    assert not (tmp_path / "potato").exists()
