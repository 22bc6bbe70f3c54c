"""Crash points: a process dies at the armed passing of the moment that is named, and at no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kiq.cli.crash_points import POINTS

PASSES = """
from kiq.config import Redis
from kiq.errors import ConfigError
from kiq.cli import crash_points
try:
    crash_points.connector(Redis())
except ConfigError as error:
    raise SystemExit(str(error))
for number in range(1, 4):
    crash_points.crash_point("processor-before-job")
    crash_points.crash_point("processor-amid-job", "processor-after-job")
    print(number, flush=True)
"""


def run(armed: str | None) -> subprocess.CompletedProcess[str]:
    """Return how a process that passes each point of a processor three times ended."""
    environment = {k: v for k, v in os.environ.items() if k != "KIQ_CRASH_POINT"}
    if armed is not None:
        environment["KIQ_CRASH_POINT"] = armed
    return subprocess.run(
        [sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("armed", [None, "", "courier-after-fetch", "processor-amid-job:4"])
def test_a_process_survives_where_it_passes_no_armed_point(armed: str | None) -> None:
    ended = run(armed)
    assert (ended.returncode, ended.stdout.split()) == (0, ["1", "2", "3"])


@pytest.mark.parametrize(
    ("armed", "said"),
    [
        ("processor-before-job", 0),
        ("processor-before-job:2", 1),
        ("processor-amid-job:3", 2),
        ("processor-after-job:1", 0),
    ],
)
def test_a_process_is_killed_at_the_passing_that_is_named(armed: str, said: int) -> None:
    ended = run(armed)
    assert (ended.returncode, ended.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"][:said])


@pytest.mark.parametrize("armed", ["nowhere", "nowhere:2", "courier-after-fetch:soon"])
def test_a_point_that_does_not_exist_is_an_error_at_the_start(armed: str) -> None:
    ended = run(armed)
    assert ended.returncode == 1
    assert armed in ended.stderr
    assert "courier-after-hand_back" in ended.stderr, "it says what there is"


def test_each_point_says_who_when_and_at_what() -> None:
    for name, moment in POINTS.items():
        part, when, what = name.split("-")
        assert part in {"processor", "courier", "poller", "reclaimer", "heartbeat"}
        assert when in {"before", "amid", "after"}
        assert what
        assert moment
