"""A Ruby that can't be had is said not to have been tried, and why; one that is broken is an error."""

from __future__ import annotations

import os
import sys

import pytest

from tests.helpers.rubies import Ruby, wanted
from tests.house.inner_pytest import pytest_says

FILE = "tests/contract/ruby/test_ruby_pushes.py"


def run(*arguments: str, rubies: str | None, **environment: str) -> tuple[int, str]:
    """Run tests where ``KIQ_TEST_RUBIES`` is *rubies*; return the exit code and the output."""
    variables = {**os.environ, **environment}
    variables.pop("KIQ_TEST_RUBIES", None)
    if rubies is not None:
        variables["KIQ_TEST_RUBIES"] = rubies
    return pytest_says(arguments, variables)


@pytest.mark.parametrize("asked", ["tests/contract/ruby", FILE])
def test_what_can_not_be_had_is_told_with_the_reason(asked: str) -> None:
    code, output = run(asked, rubies="forky!the mirror has no Debian forky\nsid!no root = no luck")
    assert code == 5, "no test was run"
    assert "not run with the Sidekiq of forky: the mirror has no Debian forky" in output
    assert "not run with the Sidekiq of sid: no root = no luck" in output
    assert "skipped" not in output


def test_a_machine_without_ruby_says_so() -> None:
    folder = os.path.dirname(sys.executable)
    code, output = run("tests/contract/ruby", rubies=None, PATH=folder)
    assert code == 5, output
    assert "not run with the Sidekiq of machine: there is no program ruby" in output


def test_other_tests_say_nothing_of_it() -> None:
    code, output = run("tests/unit/test_verdict.py", rubies="forky!it is not there")
    assert code == 0
    assert "forky" not in output


@pytest.mark.parametrize(
    ("rubies", "words"),
    [
        ("broken=/nowhere", "KIQ_TEST_RUBIES names broken, but "),
        ("nonsense", "'nonsense' is not machine, NAME=FOLDER or NAME!REASON"),
    ],
)
def test_one_that_is_asked_for_and_does_not_work_is_an_error(rubies: str, words: str) -> None:
    code, output = run(FILE, rubies=rubies)
    assert code not in (0, 5)
    assert words in output


def test_nobody_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIQ_TEST_RUBIES", "")
    assert wanted() == ([], {})


def test_a_program_that_says_nothing_is_no_ruby() -> None:
    assert Ruby("mute", ("true",)).problem == "it says nothing"
