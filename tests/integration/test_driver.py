"""A driver that can't go on leaves it to the courier at once, and wakes it: a processor may sleep next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import kiq
from kiq.clock import steady
from kiq.config import Capsule, Config
from kiq.config import Redis as RedisSettings
from kiq.registry import registry
from kiq.store import owners
from kiq.store.connection import Connector
from kiq.verdict import DONE, Taken
from kiq.work.bell import wait_for
from kiq.work.executor import Executor
from kiq.work.handover import MOST_WAITING
from kiq.work.manager import Manager
from kiq.work.worker import Worker
from tests.helpers.depot import open_link
from tests.helpers.driven import BLINK, Ledger
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually


class Capsuled:
    """A capsule of one thread whose threads are not started: the test does what they would."""

    def __init__(self, url: str) -> None:
        settings = RedisSettings(url=url)
        config, host = Config(redis=settings), kiq.Host()
        self.worker = Worker(config, host, registry, Connector(settings), "0")
        execute = Executor(config, host, registry)
        self.manager = Manager(self.worker, Capsule(concurrency=1), execute)
        self.inbox, self.handover = self.manager._inbox, self.manager._handover
        self.exchange = self.manager.courier._exchange
        self.lead = self.manager.courier.lead
        self.exchange.reconciler.secure(self.exchange.link)
        later = steady() + 600  # so that the rate stays what it is, however slow the machine
        self.exchange.pace.finished(0, later)
        self.exchange.pace.finished(1_000, later + 0.02)
        assert self.exchange.simple

    def fetch(self) -> None:
        """Do a round, as the courier does."""
        self.exchange.begin()
        self.exchange.end()

    def run(self, count: int) -> list[Taken]:
        """Take so many jobs out of the inbox, and put their verdicts on the handover."""
        jobs = [self.inbox.next_job() for _ in range(count)]
        self.handover.outbox.extend([(job, DONE) for job in jobs])
        return jobs

    @property
    def rung(self) -> bool:
        """Whether somebody has rung for the courier."""
        return bool(wait_for(0.0, self.handover.bell_end))

    @property
    def called(self) -> bool:
        """Whether somebody has rung for the courier, which finds that nobody drives."""
        return self.rung and not self.lead.taken()


class Delaying:
    """A lock that lets something happen just before whoever takes it goes on."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def acquire(self, blocking: bool = True) -> bool:
        self._happens()
        return True

    def release(self) -> None:
        """Nothing: there is one thread."""


@pytest.fixture
def capsuled(redis_url: str) -> Capsuled:
    """A capsule on the shared server."""
    return Capsuled(redis_url)


@pytest.fixture
def ledger(redis_url: str) -> Iterator[Ledger]:
    """Jobs to fetch."""
    made = Ledger(redis_url)
    yield made
    made.close()


def test_it_goes_on_while_there_are_jobs(capsuled: Capsuled, ledger: Ledger) -> None:
    ledger.push([BLINK] * 600)
    capsuled.fetch()
    capsuled.run(300)
    capsuled.lead.take()
    assert capsuled.exchange.open
    assert not capsuled.rung


def test_with_nothing_left_to_do_it_leaves_the_courier_no_time_to_sleep(
    capsuled: Capsuled, ledger: Ledger
) -> None:
    ledger.push([BLINK] * 3)
    capsuled.fetch()
    capsuled.run(3)
    capsuled.lead.take()
    assert capsuled.called


def test_the_last_verdict_is_not_forgotten_while_another_has_the_turn(
    capsuled: Capsuled, ledger: Ledger
) -> None:
    ledger.push([BLINK] * 3)
    capsuled.fetch()
    capsuled.run(1)
    with capsuled.lead.lock:  # as the courier that has just decided how long to sleep
        capsuled.lead.take()
        assert not capsuled.rung, "there are jobs: it drives again after the next"
        capsuled.run(2)
        capsuled.lead.take()
        assert capsuled.called


def test_what_changes_just_before_its_turn_is_the_couriers_business(
    capsuled: Capsuled, ledger: Ledger
) -> None:
    ledger.push([BLINK] * 3)
    capsuled.fetch()
    capsuled.run(3)
    slow = capsuled.exchange.pace.handed_back  # jobs are not short any more
    capsuled.lead.lock = Delaying(slow)  # type: ignore[assignment]
    capsuled.lead.take()
    assert len(capsuled.handover.outbox) == 3
    assert capsuled.called


def test_after_an_unknown_outcome_it_leaves_everything_to_the_courier(
    capsuled: Capsuled, ledger: Ledger
) -> None:
    ledger.push([BLINK] * 3)
    capsuled.fetch()
    capsuled.run(2)
    capsuled.exchange.lost()
    capsuled.lead.take()
    assert not capsuled.exchange.open
    assert capsuled.called


def test_when_the_replies_say_that_it_was_declared_dead_nothing_starts_any_more(
    capsuled: Capsuled, ledger: Ledger, redis_url: str
) -> None:
    ledger.push([BLINK] * 600)
    capsuled.fetch()
    capsuled.run(300)
    owner = capsuled.exchange.session.owner.name
    assert owners.reclaim(open_link(redis_url), owner, proven=True, crashed=False)
    capsuled.exchange.begin()
    eventually(lambda: capsuled.exchange.link.readable(0.0))
    capsuled.lead.take()
    assert not capsuled.exchange.open, "it has begun another round in the dead owner's name"
    assert capsuled.called
    assert not capsuled.handover.wait_for_permission(capsuled.inbox.next_job())


def test_no_more_verdicts_gather_behind_a_silent_redis_than_may(
    ledger: Ledger, server: TestServer
) -> None:
    with FaultProxy(server.port) as proxy:
        capsuled = Capsuled(proxy.url)
        ledger.push([BLINK] * 600)
        capsuled.fetch()
        capsuled.run(300)
        proxy.swallow(True)
        capsuled.lead.take()
        capsuled.handover.outbox.extend([(job, DONE) for job in list(capsuled.inbox.jobs)[:190]])
        capsuled.lead.take()
        assert capsuled.exchange.open
        assert capsuled.handover.patience <= MOST_WAITING
