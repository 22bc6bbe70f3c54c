"""Somebody declares a worker dead that has much to settle: it learns it by the first answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

import kiq
from kiq.store import owners
from kiq.verdict import DONE, ToRetry, Verdict
from kiq.work.owner import Phase
from tests.helpers.capsuled import Capsuled, payloads


@pytest.fixture
def capsuled(redis_url: str, raw: redis.Redis, fresh_host: kiq.Host) -> Iterator[Capsuled]:
    """A capsule with three jobs in hand, which settles, and does not fetch."""
    raw.lpush("queue:a", *payloads("j1", "j2", "j3"))
    made = Capsuled(redis_url, fresh_host)
    made.exchange.quiet = True
    yield made
    made.close()


@pytest.mark.parametrize("verdict", [DONE, ToRetry(payloads("j1")[0], 2e9)])
def test_a_verdict_that_finds_nothing_makes_it_look_before_more_jobs_start(
    capsuled: Capsuled, verdict: Verdict
) -> None:
    exchange = capsuled.exchange
    before = capsuled.owner
    assert owners.reclaim(exchange.link, before, proven=True, crashed=False) is not None
    capsuled.end(verdict)
    exchange.begin()
    exchange.end()
    assert exchange.session.owner.phase is Phase.UNSURE
    exchange.reconciler.secure(exchange.link)
    assert capsuled.owner != before


@pytest.mark.parametrize("verdict", [DONE, ToRetry(payloads("j1")[0], 2e9)])
def test_one_that_is_sent_again_and_was_done_the_first_time_says_nothing(
    capsuled: Capsuled, verdict: Verdict
) -> None:
    exchange = capsuled.exchange
    capsuled.end(verdict)
    exchange.begin()
    exchange.link.receive()  # Redis has done it, and nobody has seen that
    exchange.lost()
    capsuled.round()
    assert exchange.session.owner.phase is Phase.SURE
    assert not exchange.settler.disowned
