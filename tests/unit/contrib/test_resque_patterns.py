"""Queues by pattern, and a worker by its variables, as Resque has them."""

from __future__ import annotations

import pytest

from kiq.contrib.resque.environment import start_of
from kiq.contrib.resque.patterns import chosen, is_dynamic, split
from kiq.errors import ConfigError

KNOWN = ["low", "high", "file_b", "file_a", "email"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("critical, high", ["critical", "high"]),
        ("*", ["email", "file_a", "file_b", "high", "low"]),
        ("high,*", ["high", "email", "file_a", "file_b", "low"]),
        ("file_*", ["file_a", "file_b"]),
        ("*,!low", ["email", "file_a", "file_b", "high"]),
        ("!low,*", ["email", "file_a", "file_b", "high"]),
        ("*,!file_*,!low", ["email", "high"]),
        ("file_?,new", ["file_a", "file_b", "new"]),
        ("file_[b-z]", ["file_b"]),
        ("none_*", ["none_*"]),
        ("*,!*", ["*"]),
        ("high,high", ["high"]),
    ],
)
def test_what_patterns_mean(patterns: str, expected: list[str]) -> None:
    assert chosen(split([patterns]), KNOWN) == expected


def test_which_mean_other_queues_as_they_come() -> None:
    assert not is_dynamic(split(["critical,high"]))
    for each in ("*", "file_*", "a,!b", "x?", "[ab]"):
        assert is_dynamic(split([each]))
    assert split([" a , b ,, a "]) == ("a", "b")


def test_queue_and_queues_name_them_in_strict_order() -> None:
    start = start_of({"QUEUE": "email"}, several=False)
    assert start.flags == ["-q", "email"]
    assert start.variables == {"KIQ_RESQUE_QUEUES": "email", "KIQ_RESQUE_SIGNALS": "true"}
    start = start_of({"QUEUES": "critical, *,!low"}, several=False)
    assert start.flags == ["-q", "critical", "-q", "*"]
    assert start.variables["KIQ_RESQUE_QUEUES"] == "critical,*,!low"
    for nothing in ({}, {"QUEUE": " "}, {"QUEUE": "!low"}):
        with pytest.raises(ConfigError, match="set QUEUE: QUEUE=email kiq resque work"):
            start_of(nothing, several=False)


@pytest.mark.parametrize(
    ("name", "value", "flags"),
    [
        ("INTERVAL", "0", ["--drain"]),
        ("INTERVAL", "5", []),
        ("PIDFILE", "a.pid", ["--pidfile", "a.pid"]),
        ("VVERBOSE", "1", ["-v"]),
        ("VERBOSE", "1", []),
        ("RESQUE_TERM_TIMEOUT", "4", ["-t", "4"]),
    ],
)
def test_other_variables_are_flags(name: str, value: str, flags: list[str]) -> None:
    start = start_of({"QUEUE": "a", name: value}, several=False)
    assert start.flags[2:] == flags
    assert bool(start.notices) == (value == "5")
    assert start.variables.get("KIQ_LOG_LEVEL") == ("info" if name == "VERBOSE" else None)


def test_count_is_for_several_workers() -> None:
    assert start_of({"QUEUE": "a", "COUNT": "3"}, several=True).flags[2:] == ["--processes", "3"]
    (notice,) = start_of({"QUEUE": "a", "COUNT": "3"}, several=False).notices
    assert "kiq resque workers" in notice
    for count in ("", "0", "many"):
        with pytest.raises(ConfigError, match="COUNT must be a number"):
            start_of({"QUEUE": "a", "COUNT": count}, several=True)


def test_what_does_nothing_here_is_said_with_the_reason() -> None:
    variables = {"QUEUE": "a", "FORK_PER_JOB": "false", "TERM_CHILD": "1", "BACKGROUND": "yes"}
    start = start_of(variables, several=False)
    assert [notice.split(" ")[0] for notice in start.notices] == ["FORK_PER_JOB", "TERM_CHILD"]
    assert start.background
