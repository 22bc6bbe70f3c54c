"""What a payload of one MiB may cost the process that reads it, in memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fuzz.decode_cost import GROUPS
from tests.helpers.worker_process import ROOT

#: Megabytes. The last is not a wish: an empty list is 56 bytes in Python and one in MessagePack, so
#: what is dense costs about a hundred times its size, and is well-formed all the same.
LIMITS = {"lie": 64, "usual": 64, "dense": 112}


@pytest.fixture(scope="module")
def costs() -> dict[str, list[tuple[str, float, str]]]:
    """For each group: name of the payload, megabytes, and whether it was a job."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE_")}
    measured = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.decode_cost"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    found: dict[str, list[tuple[str, float, str]]] = {group: [] for group in GROUPS}
    for line in measured.stdout.splitlines():
        group, megabytes, _, taken, name = line.split(maxsplit=4)
        found[group].append((name, float(megabytes), taken))
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_a_payload_of_a_mebibyte_costs_at_most(
    costs: dict[str, list[tuple[str, float, str]]], group: str
) -> None:
    assert [name for name, _, _ in costs[group]] == list(GROUPS[group])
    assert [each for each in costs[group] if each[1] > LIMITS[group]] == []


def test_the_measure_sees_what_is_built(costs: dict[str, list[tuple[str, float, str]]]) -> None:
    assert max(megabytes for _, megabytes, _ in costs["dense"]) > 30
    assert {taken for _, _, taken in costs["lie"]} == {"refused"}
    assert {taken for _, _, taken in costs["usual"]} == {"job"}
