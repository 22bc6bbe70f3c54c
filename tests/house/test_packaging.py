"""What we ship is whole: versions agree, and a wheel has the scripts that the code loads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import pytest

import kiq
from tests.house.source import KIQ, ROOT, project


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_version_is_the_same_everywhere() -> None:
    assert project()["project"]["version"] == kiq.__version__


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.count("\n## Unreleased\n") == 1


@pytest.mark.parametrize(
    "kept", ["py.typed", "embedded/supervise.sh", "store/lua/fetch.lua", "commands/starter/kiq.yml"]
)
def test_the_files_that_are_no_python_are_where_the_code_looks(kept: str) -> None:
    assert (KIQ / kept).is_file()


def test_a_wheel_holds_every_file_of_the_package(shipped: set[str]) -> None:
    needed = {
        path.relative_to(ROOT).as_posix()
        for path in KIQ.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {each for each in shipped if each.startswith("kiq/")} == needed


def test_a_wheel_holds_nothing_beside_the_package_but_what_pytest_loads(shipped: set[str]) -> None:
    tops = {each.partition("/")[0] for each in shipped}
    assert tops == {"kiq", "pytest_kiq.py", f"kiq-{kiq.__version__}.dist-info"}


def test_every_command_of_make_is_listed_by_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = [line for line in makefile.splitlines() if line.startswith(".PHONY:")]
    # Without what an outer `make test` says to an inner make.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    listed = subprocess.run(
        ["make"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20
    )
    assert [line.split()[1] for line in listed.stdout.splitlines()] == phony.split()[1:]


def test_the_makefile_names_no_absolute_path() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("2>/dev/null", "")
    assert re.findall(r"(?:^|[\s='\"])(/\w+/\S*)", makefile) == []
