"""What a parent says of itself, by what it knows in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiq.health.condition import Condition, answer
from kiq.health.http import said
from kiq.parent.fleet import Fleet, Limits
from kiq.parent.members import Member, Phase
from kiq.parent.page import Page
from kiq.parent.wellness import condition

NOW = 1000.0


@pytest.fixture
def pages() -> Iterator[dict[int, Page]]:
    made = {1: Page(), 2: Page()}
    yield made
    for page in made.values():
        page.close()


def fleet_of(pages: dict[int, Page], phase: Phase = Phase.READY) -> Fleet:
    """Two children that are well."""
    fleet = Fleet(Limits(processes=2))
    fleet.decide(NOW)
    for slot, pid in enumerate(pages, 1):
        fleet.started(Member(slot, pid, NOW - 500))
        fleet.seen(pid, phase, NOW, NOW - 400)
        pages[pid].heard = NOW - 3
    return fleet


def of(fleet: Fleet, pages: dict[int, Page], now: float = NOW) -> Condition:
    return condition(fleet, pages.__getitem__, now)


def test_all_is_well(pages: dict[int, Page]) -> None:
    assert of(fleet_of(pages), pages) == Condition("2 of 2 children take jobs")


def test_while_children_start_it_is_live_and_not_ready(pages: dict[int, Page]) -> None:
    fleet = fleet_of(pages, Phase.STARTING)
    assert of(fleet, pages) == Condition(
        "0 of 2 children take jobs", idle="no child takes jobs yet"
    )
    fleet.seen(1, Phase.READY, NOW, NOW)
    assert of(fleet, pages) == Condition("1 of 2 children take jobs")


def test_redis_away_or_quiet_is_live_and_not_ready(pages: dict[int, Page]) -> None:
    fleet = fleet_of(pages)
    pages[1].heard = NOW - 16
    assert of(fleet, pages).idle == ""
    pages[2].heard = 0
    assert of(fleet, pages)[1:] == ("", "Redis does not answer")
    pages[1].quiet = pages[2].quiet = True
    assert of(fleet, pages)[1:] == ("", "quiet: no more jobs are taken")


def test_a_stuck_child_is_not_live_but_one_that_is_held_up_is(pages: dict[int, Page]) -> None:
    fleet = fleet_of(pages)
    pages[2].stuck = True
    assert of(fleet, pages).stuck == "stuck, see its log: child 2 (pid 2)"
    assert of(fleet, pages, NOW + 11).stuck == "", "a job holds its interpreter: max_silence counts"
    fleet.stop()
    assert of(fleet, pages) == Condition("stopping", idle="stopping")


def test_what_is_answered() -> None:
    well, stuck = Condition("takes jobs"), Condition("takes jobs", "it hangs", "quiet")
    idle = Condition("takes jobs", idle="stopping")
    assert answer("/live", well) == said(200, "live: takes jobs")
    assert answer("/live", idle) == said(200, "live: takes jobs")
    assert answer("/live", stuck) == said(503, "not live: it hangs")
    assert answer("/ready", well) == said(200, "ready: takes jobs")
    assert answer("/ready", idle) == said(503, "not ready: stopping")
    assert answer("/ready", stuck) == said(503, "not ready: it hangs")
    assert answer("/", well) is None
    metrics = answer("/metrics", well)
    assert metrics is not None
    assert metrics.status == 404
