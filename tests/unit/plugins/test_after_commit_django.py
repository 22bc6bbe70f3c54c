"""What is pushed in an atomic block of Django reaches Redis when the outermost is committed, or never."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis
from django.db import connections, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

import kiq
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.stored import in_queue, scheduled

pytestmark = pytest.mark.needs("django")


@pytest.fixture
def job(fake: redis.Redis) -> Iterator[Any]:
    @kiq.job(name="orders.ship")
    def ship(number: Any) -> None: ...

    yield ship
    kiq.after_commit.always(None)
    connections.close_all()


def pushed(fake: redis.Redis) -> list[Any]:
    return [payload["args"][0] for payload in in_queue(fake)]


def test_a_commit_pushes_once_and_the_jid_is_known_before(job: Any, fake: redis.Redis) -> None:
    ship = job.via(kiq.after_commit(using="default"))
    with transaction.atomic():
        jid = ship.perform_async(1)
        assert len(jid) == 24
        assert pushed(fake) == []
    assert [each["jid"] for each in in_queue(fake)] == [jid]
    with transaction.atomic():
        pass
    assert pushed(fake) == [1]


def test_outside_of_a_transaction_it_pushes_at_once_and_opens_no_connection(
    job: Any, fake: redis.Redis
) -> None:
    job.via(kiq.after_commit(using="default")).perform_async(1)
    assert pushed(fake) == [1]
    assert connections["default"].connection is None


def test_outside_of_a_transaction_errors_are_raised(job: Any, unconfigured: None) -> None:
    kiq.configure(redis="redis://127.0.0.1:1/0")
    connections["default"].ensure_connection()
    with pytest.raises(kiq.StoreUnavailable):
        job.via(kiq.after_commit(using="default")).perform_async(1)


def test_order_savepoints_and_rollbacks(job: Any, fake: redis.Redis) -> None:
    with kiq.after_commit(using="default"):
        with transaction.atomic():
            job.perform_async(1)
            with transaction.atomic():
                job.perform_async(2)
                with suppress(ZeroDivisionError), transaction.atomic():
                    with transaction.atomic():
                        job.perform_async("dropped")
                    raise ZeroDivisionError
            with transaction.atomic(savepoint=False):
                job.perform_async(3)
            assert pushed(fake) == []
        assert pushed(fake) == [1, 2, 3]
        with suppress(ZeroDivisionError), transaction.atomic():
            job.perform_async("dropped")
            raise ZeroDivisionError
        with transaction.atomic():
            job.perform_async("dropped")
            transaction.set_rollback(True)
    assert pushed(fake) == [1, 2, 3]


def test_each_database_has_its_own_transactions(job: Any, fake: redis.Redis) -> None:
    with transaction.atomic(using="other"):
        job.via(kiq.after_commit(using="default")).perform_async("default")
        job.via(kiq.after_commit(using="other")).perform_async("other")
        assert pushed(fake) == ["default"]
    assert pushed(fake) == ["default", "other"]


def test_the_switch_makes_all_pushes_wait_but_bulks(job: Any, fake: redis.Redis) -> None:
    kiq.after_commit.always(using="default")
    with transaction.atomic():
        job.perform_async(1)
        kiq.push({"class": "orders.ship", "args": [2]})
        job.set(tags=["x"]).perform_in(60, 3)
        job.via(kiq.after_commit(None)).perform_async("at once")
        job.perform_bulk([("bulk",)])
        job.via(kiq.after_commit()).perform_bulk([(4,), (5,)])
        assert pushed(fake) == ["at once", "bulk"]
        assert scheduled(fake) == []
    assert pushed(fake) == ["at once", "bulk", 1, 2, 4, 5]
    assert len(scheduled(fake)) == 1


def test_an_error_after_the_commit_is_reported_and_other_handlers_still_run(
    job: Any, unconfigured: None, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[BaseException, dict[str, Any]]] = []
    kiq.host.on_error(lambda error, context: told.append((error, context)))
    kiq.configure(redis="redis://127.0.0.1:1/0")
    jids, done = [], []
    with transaction.atomic(), kiq.after_commit(using="default"):
        for number in range(3):
            jids.append(job.perform_async(number))
            transaction.on_commit(lambda: done.append("handler"))
    assert len(done) == 3
    assert [context["jid"] for _, context in told] == jids
    assert {context["context"] for _, context in told} == {"committed, but not pushed"}
    assert [type(error) for error, _ in told] == [kiq.StoreUnavailable] * 3
    assert ["not tried" in str(error) for error, _ in told] == [False, True, True]
    assert caplog.text.count("StoreUnavailable: ") >= 3


def test_what_cant_be_a_job_is_refused_at_the_call(job: Any, fake: redis.Redis) -> None:
    ship = job.via(kiq.after_commit(using="default"))
    with transaction.atomic(), pytest.raises(kiq.ArgumentError):
        ship.perform_async(object())
    assert pushed(fake) == []


def test_a_transaction_by_hand_is_refused_as_django_does(job: Any, fake: redis.Redis) -> None:
    transaction.set_autocommit(False)
    try:
        with pytest.raises(transaction.TransactionManagementError, match="manual transaction"):
            job.via(kiq.after_commit(using="default")).perform_async(1)
    finally:
        transaction.set_autocommit(True)
    assert pushed(fake) == []


def test_djangos_own_tests_see_and_run_what_waits(job: Any, fake: redis.Redis) -> None:
    kiq.after_commit.always(using="default")
    with transaction.atomic():  # as TestCase has it around each test
        with TestCase.captureOnCommitCallbacks(execute=True) as callbacks:
            with transaction.atomic():
                job.perform_async(1)
            assert pushed(fake) == []
        assert len(callbacks) == 1
        assert pushed(fake) == [1]
        transaction.set_rollback(True)


def test_waiting_costs_no_query(job: Any, fake: redis.Redis) -> None:
    with transaction.atomic(), CaptureQueriesContext(connections["default"]) as queries:
        job.via(kiq.after_commit(using="default")).perform_async(1)
        assert len(queries) == 0
