"""docs/seeds.md has a row for each thing that the documents say, and what it names is there."""

from __future__ import annotations

import re

import pytest

from tests.house.source import ROOT

PAGE = (ROOT / "docs" / "seeds.md").read_text("utf-8")
ROWS = re.findall(r"^\| (S\d-\d+) \| (.+?) \| (.+) \| (.+?) \|$", PAGE, re.MULTILINE)
#: How many rows each document has.
DOCUMENTS = {"S0": 9, "S1": 27, "S2": 12, "S3": 13, "S4": 20}


def test_every_row_of_every_document_is_there_in_order() -> None:
    expected = [f"{seed}-{n}" for seed, rows in DOCUMENTS.items() for n in range(1, rows + 1)]
    assert [row for row, *_ in ROWS] == expected


@pytest.mark.parametrize(
    ("row", "here", "tests"), [(row, here, tests) for row, _, here, tests in ROWS]
)
def test_what_a_row_names_is_there(row: str, here: str, tests: str) -> None:
    named = re.findall(r"`([\w/.]+)`", tests)
    assert named
    assert [each for each in named if not (ROOT / "tests" / each).exists()] == []
    pages = re.findall(r"\]\(([\w-]+\.md)", here)
    assert [each for each in pages if not (ROOT / "docs" / each).exists()] == []
    folders = re.findall(r"`((?:examples|deploy)/[\w/.]+)`", here)
    assert [each for each in folders if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("document", ["S2", "S3", "S4"])
def test_no_row_of_resque_or_delayed_job_is_open(document: str) -> None:
    """What their documents say is there."""
    assert [row for row, _, here, _ in ROWS if row.startswith(document) and "open" in here] == []
