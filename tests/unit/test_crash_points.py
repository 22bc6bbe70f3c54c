"""Crash points: a process dies at the n-th passing of the moment that is named, and at no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

PASSES = """
from kiq.work.crash_points import crash_point
for number in range(1, 4):
    crash_point("there")
    crash_point("elsewhere")
    print(number, flush=True)
"""


def run(crash_point: str | None) -> tuple[int, list[str]]:
    """Return how a process that passes each point three times ended, and what it said."""
    environment = {k: v for k, v in os.environ.items() if k != "KIQ_CRASH_POINT"}
    if crash_point is not None:
        environment["KIQ_CRASH_POINT"] = crash_point
    ended = subprocess.run(
        [sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True
    )
    return ended.returncode, ended.stdout.split()


@pytest.mark.parametrize("unarmed", [None, "", "nowhere", "nowhere:2", "there:4"])
def test_a_process_survives_where_no_point_is_armed(unarmed: str | None) -> None:
    assert run(unarmed) == (0, ["1", "2", "3"])


@pytest.mark.parametrize(("armed", "said"), [("there", 0), ("there:2", 1), ("elsewhere:3", 2)])
def test_a_process_is_killed_at_the_passing_that_is_named(armed: str, said: int) -> None:
    assert run(armed) == (-signal.SIGKILL, ["1", "2", "3"][:said])
