"""Flags of ``kiq run`` behind ``kiq jobs``: also those written without a space."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from kiq.commands.jobs import pid_files
from kiq.commands.jobs.environment import start_of
from kiq.commands.jobs.passing import PassesOn
from tests.helpers.commands import command


def given(*arguments: str) -> tuple[bool, str | None, tuple[str, ...]]:
    """Return what a command like ``kiq jobs start`` makes of *arguments*."""
    found: list[tuple[bool, str | None, tuple[str, ...]]] = []

    @click.command(cls=PassesOn)
    @click.option("-m", "--monitor", is_flag=True)
    @click.option("-p", "--prefix")
    @click.argument("flags", nargs=-1, type=click.UNPROCESSED)
    def begin(monitor: bool, prefix: str | None, flags: tuple[str, ...]) -> None:
        found.append((monitor, prefix, flags))

    result = CliRunner().invoke(begin, list(arguments))
    assert result.exit_code == 0, result.output
    return found[0]


def test_a_value_behind_its_letter_is_not_taken_for_options() -> None:
    assert given("-rapp.jobs") == (False, None, ("-r", "app.jobs"))
    assert given("-qmailers", "-eproduction", "-c5") == (
        False,
        None,
        ("-q", "mailers", "-e", "production", "-c", "5"),
    )
    assert given("-vrapp.jobs") == (False, None, ("-v", "-r", "app.jobs"))
    assert given("-p", "-10") == (False, "-10", ())


def test_a_letter_that_nobody_knows_is_refused() -> None:
    found = command("jobs", "start", "-xmp")
    assert found.code == 2
    assert "No such option" in found.err
    assert "-x" in found.err


def test_what_is_the_commands_own_stays_so() -> None:
    assert given("-mr", "app.jobs") == (True, None, ("-r", "app.jobs"))
    assert given("-vm", "-papp") == (True, "app", ("-v",))
    assert given("-m", "--", "-papp", "-rm") == (True, None, ("-papp", "-rm"))
    assert given("-r", "app.jobs", "-v", "--require", "app") == (
        False,
        None,
        ("-r", "app.jobs", "-v", "--require", "app"),
    )
    assert given("-mrapp") == (True, None, ("-r", "app"))


@pytest.mark.parametrize("flag", ["-q", "-qmail", "--queue", "--queue=mail"])
def test_queues_of_the_flags_are_no_more_than_these(flag: str) -> None:
    start = start_of({}, ["-r", "app", flag, "mail"])
    assert (start.flags, start.variables) == ([], {})
    assert start_of({"QUEUE": "low"}, [flag, "mail"]).flags == ["-q", "low,1"]  # both, as was said


def test_a_process_that_ends_meanwhile_needs_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert pid_files.terminate(ended.pid)

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert not pid_files.terminate(ended.pid)
