"""The unit tests stand in the folders of what they test."""

from __future__ import annotations

from tests.house.source import ROOT

UNIT = ROOT / "tests" / "unit"
BESIDES = {"benchmarks", "docs"}  # what is tested there is no part of kiq, but of the project


def test_each_folder_of_unit_tests_is_that_of_a_package() -> None:
    folders = {path.parent.relative_to(UNIT).as_posix() for path in UNIT.rglob("test_*.py")} - {"."}
    assert folders
    for folder in folders - BESIDES:
        assert (ROOT / "kiq" / folder / "__init__.py").is_file(), f"kiq has no package {folder}"


def test_what_tests_the_inside_of_a_package_stands_in_its_folder() -> None:
    for path in UNIT.glob("test_*.py"):
        assert "from kiq.work." not in path.read_text("utf-8"), f"{path.name} belongs to work/"
