"""How batches are drawn."""

from __future__ import annotations

from typing import Any

import pytest

from kiq.api import BatchStatus
from kiq.pages.batches.shown import parts_of, state_of

pytestmark = pytest.mark.needs("werkzeug")

COUNTS = ("total", "pending", "retrying", "skipped", "dead", "deleted", "cancelled", "lost")


def one(**said: Any) -> BatchStatus:
    counts: dict[str, Any] = dict.fromkeys((*COUNTS, "failed", "refused", "batches", "waiting"), 0)
    known = {"bid": "b", "description": "", "tags": (), "state": "running", "created_at": 0.0}
    return BatchStatus(**{**known, **counts, **said})


def test_parts_fill_a_bar_and_the_smallest_is_seen() -> None:
    parts = parts_of(one(total=10_000, pending=1, dead=1, retrying=998))
    assert [part.kind for part in parts] == ["succeeded", "dead", "retrying", "pending"]
    assert sum(part.width for part in parts) == pytest.approx(100, abs=0.1)
    assert min(part.width for part in parts) > 0.9
    edges = [part.x for part in parts]
    assert edges == sorted(edges)
    assert edges[0] == 0


def test_what_has_no_jobs_has_no_bar() -> None:
    assert parts_of(one()) == ()


def test_numbers_that_do_not_add_up_draw_no_negative_part() -> None:
    parts = parts_of(one(total=1, dead=5, pending=3))
    assert all(part.width > 0 for part in parts)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({}, "runs"),
        ({"state": "open"}, "open"),
        ({"dead": 1}, "troubled"),
        ({"end_at": 1.0, "dead": 1}, "ended"),
        ({"end_at": 1.0, "success_at": 1.0}, "succeeded"),
        ({"success_at": 1.0}, "succeeded"),
        ({"state": "cancelled", "end_at": 1.0}, "cancelled"),
    ],
)
def test_a_batch_has_one_state(said: dict[str, Any], state: str) -> None:
    assert state_of(one(**said)) == state
