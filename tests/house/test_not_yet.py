"""The page of what is not there yet says so of nothing that is there."""

from __future__ import annotations

import re

import pytest

from tests.house.source import KIQ

ROOT = KIQ.parent
PAGE = (ROOT / "docs" / "not-yet.md").read_text("utf-8")
#: What each would be called in the house, as a file, a folder or a command.
NAMES = {
    "Cron": ("cron", "periodic", "schedules"),
    "Limits": ("limits", "limiters", "rate_limits", "throttling"),
    "Other languages": ("de", "fr", "ja"),
    "Encryption": ("encryption", "encrypting"),
    "A parent process": ("parent", "swarm", "cluster"),
    "A health check": ("health", "healthcheck", "health_check"),
    "Redis Cluster": ("redis_cluster",),
    "Priorities": ("priorities", "priority"),
}
#: Files that are called so and are something else.
OTHERS = {"api/limits.py", "plugins/metrics/batches.py"}


def rows() -> list[str]:
    return re.findall(r"^\| \*\*(.+?)\*\*", PAGE, re.MULTILINE)


def test_every_row_has_names_to_look_for() -> None:
    assert set(rows()) <= set(NAMES)
    assert rows()


@pytest.mark.parametrize("row", rows())
def test_what_is_said_not_to_be_there_is_not(row: str) -> None:
    there = [
        str(path.relative_to(KIQ))
        for path in KIQ.rglob("*")
        if path.stem in NAMES[row] and "__pycache__" not in path.parts
    ]
    assert set(there) <= OTHERS, "it has come: take its row out of docs/not-yet.md"


def test_the_readme_leads_there() -> None:
    assert "docs/not-yet.md" in (ROOT / "README.md").read_text("utf-8")
