"""Type checkers accept what users should write, and refuse what would fail when it is pushed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.typing.checkers import HERE, TIME_LIMIT, Complaint, mypy, pyright

Checker = Callable[..., list[Complaint]]
MARK = re.compile(r"^ *# refused: (\S+) \| (\S+) \| \S")


def marked(column: int) -> dict[tuple[str, int], str]:
    """The lines that must be refused, with the code (column 0: mypy's, 1: pyright's)."""
    found = {}
    for file in sorted((HERE / "refused").glob("*.py")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if match := MARK.match(line):
                found[str(file), number + 1] = match.groups()[column]
    return found


@pytest.mark.timeout(TIME_LIMIT)
@pytest.mark.parametrize(("checker", "column"), [(mypy, 0), (pyright, 1)])
def test_what_is_right_is_accepted_and_each_marked_line_alone_refused(
    checker: Checker, column: int
) -> None:
    found: dict[tuple[str, int], set[str]] = {}
    texts = {}
    for each in checker(HERE / "accepted", HERE / "refused"):
        found.setdefault((each.file, each.line), set()).add(each.code)
        texts[each.file, each.line] = (
            f"{Path(each.file).name}:{each.line} {each.text} [{each.code}]"
        )
    expected = marked(column)
    assert len(expected) >= 100
    assert sorted(expected.keys() - found.keys()) == [], "accepted, though it would fail"
    assert [texts[place] for place in sorted(found.keys() - expected.keys())] == []
    assert [texts[place] for place, code in expected.items() if code not in found[place]] == []


def test_every_remark_about_a_refusal_is_a_mark() -> None:
    for file in (HERE / "refused").glob("[a-z]*.py"):
        text = file.read_text("utf-8")
        assert text.count("# refused") == len(re.findall(MARK.pattern, text, re.MULTILINE)), file
