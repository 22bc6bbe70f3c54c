"""docs/sidekiq-compatibility.md answers each of the forty behaviours, with tests that are there."""

from __future__ import annotations

import ast
import re

from tests.house.source import ROOT

PAGE = ROOT.joinpath("docs", "sidekiq-compatibility.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NODE = re.compile(r"`([a-z0-9]+/[\w/]+\.py)::(test_\w+)`")


def functions(file: str) -> set[str]:
    """The names of all functions in a file of the tests."""
    tree = ast.parse(ROOT.joinpath("tests", file).read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_each_of_the_forty_has_one_row() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 41))
    assert all(len(row) == 4 for row in ROWS)


def test_each_answer_names_tests_or_says_that_it_is_in_preparation() -> None:
    for number, _, answer, tests in ROWS:
        assert answer == "in preparation" or answer.startswith(("same", "differs")), number
        assert bool(tests) == (answer != "in preparation"), number
        assert not NODE.sub("", tests).strip(), f"{number}: not a test: {NODE.sub('', tests)}"


def test_each_test_that_is_named_is_there() -> None:
    named = {node for row in ROWS for node in NODE.findall(row[3])}
    assert len(named) > 80
    known = {file: functions(file) for file, _ in named}
    missing = [f"{file}::{test}" for file, test in sorted(named) if test not in known[file]]
    assert not missing
