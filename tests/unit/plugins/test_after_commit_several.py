"""Several databases, several sessions, and code on other threads: a push waits, or a warning is given."""

from __future__ import annotations

import asyncio
import threading
import unittest
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connections, transaction
from django.test import TestCase
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import kiq
from kiq.contrib.django import attaching, callers, transactions
from kiq.contrib.sqlalchemy import others
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.stored import in_queue

pytestmark = pytest.mark.needs("django", "sqlalchemy", "aiosqlite")

BOTH = ("default", "other")
SELECT = sa.text("SELECT 1")


@pytest.fixture
def ship(fake: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(transactions, "_warned", set())
    monkeypatch.setattr(others, "_warned", False)
    yield kiq.job(name="orders.ship")(_nothing)
    kiq.after_commit.always(None)
    connections.close_all()


def _nothing(number: Any) -> None:
    return None


def pushed(fake: redis.Redis) -> list[Any]:
    return [payload["args"][0] for payload in in_queue(fake)]


# Databases of Django


@pytest.mark.parametrize("using", BOTH)
def test_a_push_waits_for_the_transaction_of_whichever_database(
    ship: Any, fake: redis.Redis, using: str
) -> None:
    kiq.after_commit.always(using="__all__")
    ship.perform_async("at once")
    with transaction.atomic(using=using):
        ship.perform_async(1)
        assert pushed(fake) == ["at once"]
    assert pushed(fake) == ["at once", 1]
    with suppress(ZeroDivisionError), transaction.atomic(using=using):
        ship.perform_async("dropped")
        raise ZeroDivisionError
    assert pushed(fake) == ["at once", 1]


@pytest.mark.parametrize("outer", BOTH)
def test_amid_two_transactions_a_push_waits_for_both(
    ship: Any, fake: redis.Redis, outer: str
) -> None:
    kiq.after_commit.always(using="__all__")
    inner = next(each for each in BOTH if each != outer)
    with transaction.atomic(using=outer):
        ship.perform_async("outer")
        with transaction.atomic(using=inner, durable=True):
            ship.perform_async("both")
        assert pushed(fake) == []
    assert pushed(fake) == ["outer", "both"]


@pytest.mark.parametrize("fails", ["inner", "outer", "savepoint"])
def test_one_of_two_that_is_rolled_back_drops_the_push(
    ship: Any, fake: redis.Redis, fails: str
) -> None:
    kiq.after_commit.always(using="__all__")
    with suppress(ZeroDivisionError), transaction.atomic():
        ship.perform_async("outer alone")
        with suppress(ZeroDivisionError), transaction.atomic(using="other"):
            with suppress(ZeroDivisionError), transaction.atomic():
                ship.perform_async("dropped")
                if fails == "savepoint":
                    raise ZeroDivisionError
            if fails == "inner":
                raise ZeroDivisionError
        if fails == "outer":
            raise ZeroDivisionError
    assert pushed(fake) == ([] if fails == "outer" else ["outer alone"])


def test_a_transaction_that_ends_first_is_not_waited_for_by_later_pushes(
    ship: Any, fake: redis.Redis
) -> None:
    kiq.after_commit.always(using="__all__")
    with transaction.atomic():
        with transaction.atomic(using="other"):
            ship.perform_async(1)
        ship.perform_async(2)
        with suppress(ZeroDivisionError), transaction.atomic(using="other"):
            raise ZeroDivisionError
        ship.perform_async(3)
    assert pushed(fake) == [1, 2, 3]


def test_a_push_that_knows_one_database_says_once_that_it_does_not_wait_for_another(
    ship: Any, fake: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.after_commit.always(using="default")
    for number in range(2):
        with transaction.atomic(using="other"):
            ship.perform_async(number)
    assert pushed(fake) == [0, 1]
    assert (
        caplog.text.count("of the database 'other': kiq.after_commit.always knows 'default'") == 1
    )
    caplog.clear()
    with transaction.atomic(using="other"):
        ship.via(kiq.after_commit(using="default")).perform_async("it was named")
    assert caplog.text == ""


def test_a_database_without_autocommit_makes_no_push_wait_and_a_warning_says_so(
    ship: Any,
    fake: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kiq.after_commit.always(using="__all__")
    monkeypatch.setitem(connections["other"].settings_dict, "AUTOCOMMIT", False)
    connections["other"].ensure_connection()
    ship.perform_async(1)
    with transaction.atomic():
        ship.perform_async(2)
        assert pushed(fake) == [1]
    assert pushed(fake) == [1, 2]
    assert caplog.text.count("'other', which is without AUTOCOMMIT") == 1


@pytest.mark.parametrize("said", [True, "__all__"])
def test_the_setting_of_django_means_all_databases(
    ship: Any, fake: redis.Redis, monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    monkeypatch.setattr(settings, "KIQ", {"after_commit": said}, raising=False)
    attaching.attach()
    with suppress(ZeroDivisionError), transaction.atomic(using="other"):
        ship.perform_async("dropped")
        raise ZeroDivisionError
    assert pushed(fake) == []


def test_a_database_that_is_not_there_is_told_at_boot(
    ship: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "KIQ", {"after_commit": "othr"}, raising=False)
    with pytest.raises(kiq.ConfigError, match=r"no database 'othr'.* default, other"):
        attaching.attach()


def test_a_test_of_django_on_all_databases_sees_and_runs_what_waits(
    ship: Any, fake: redis.Redis
) -> None:
    kiq.after_commit.always(using="__all__")
    seen: list[list[Any]] = []

    class OfAll(TestCase):  # type: ignore[misc]
        databases = "__all__"

        def test(self) -> None:
            with self.captureOnCommitCallbacks(execute=True):
                ship.perform_async("usual")
                with transaction.atomic():
                    ship.perform_async("default")
            seen.append(pushed(fake))
            captured = self.captureOnCommitCallbacks(using="other", execute=True)
            with captured, transaction.atomic(using="other"):
                ship.perform_async("other")
            seen.append(pushed(fake))

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(OfAll).run(result)
    assert result.wasSuccessful(), result.errors + result.failures
    assert seen == [["usual", "default"], ["usual", "default", "other"]]


# Async code under a synchronous caller, and the other way round

HOW = ["aio", "plain", "task", "bulk"]


async def push_by(how: str, ship: Any, number: Any) -> None:
    if how == "plain":
        ship.perform_async(number)
    elif how == "task":
        await asyncio.create_task(ship.aio.perform_async(number))
    elif how == "bulk":
        await ship.via(kiq.after_commit(using="default")).aio.perform_bulk([(number,)])
    else:
        await ship.aio.perform_async(number)


@pytest.mark.parametrize("how", HOW)
def test_async_code_waits_for_the_transaction_of_its_synchronous_caller(
    ship: Any, fake: redis.Redis, how: str
) -> None:
    kiq.after_commit.always(using="__all__")
    with transaction.atomic():
        async_to_sync(push_by)(how, ship, 1)
        assert pushed(fake) == []
    assert pushed(fake) == [1]
    with suppress(ZeroDivisionError), transaction.atomic():
        async_to_sync(push_by)(how, ship, "dropped")
        raise ZeroDivisionError
    assert pushed(fake) == [1]
    async_to_sync(push_by)(how, ship, "at once")
    assert pushed(fake) == [1, "at once"]


@pytest.mark.parametrize("how", HOW)
def test_so_it_does_where_that_caller_is_called_by_async_code(
    ship: Any, fake: redis.Redis, how: str
) -> None:
    kiq.after_commit.always(using="__all__")

    def view() -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            async_to_sync(push_by)(how, ship, "dropped")
            raise ZeroDivisionError
        with transaction.atomic():
            async_to_sync(push_by)(how, ship, 1)
            assert pushed(fake) == []
        connections.close_all()

    async def main() -> None:
        await sync_to_async(view)()
        await push_by(how, ship, "at once")

    asyncio.run(main())
    assert pushed(fake) == [1, "at once"]


def test_plain_code_that_async_code_calls_has_its_own_transaction(
    ship: Any, fake: redis.Redis
) -> None:
    kiq.after_commit.always(using="__all__")

    def place(number: int) -> None:
        with transaction.atomic():
            ship.perform_async(number)
            assert pushed(fake) == []
        connections.close_all()

    asyncio.run(sync_to_async(place)(1))
    assert pushed(fake) == [1]


@pytest.mark.parametrize("how", ["aio", "plain"])
def test_a_caller_that_is_busy_is_waited_for_or_a_warning_is_given(
    ship: Any,
    fake: redis.Redis,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(callers, "_PATIENCE", 0.05)
    kiq.after_commit.always(using="__all__")
    begun, over = threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        over.wait(20)

    async def main() -> None:
        at_it = asyncio.create_task(sync_to_async(busy)())
        while not begun.is_set():
            await asyncio.sleep(0)
        push = asyncio.create_task(push_by(how, ship, 1))
        await asyncio.sleep(0)
        over.set()
        await asyncio.gather(at_it, push)

    with transaction.atomic():
        async_to_sync(main)()
        assert pushed(fake) == ([] if how == "aio" else [1])
    assert pushed(fake) == [1]
    assert ("that is busy" in caplog.text) is (how == "plain")


# Sessions of SQLAlchemy


@pytest.fixture
def scopes(tmp_path: Path) -> Iterator[list[scoped_session[Session]]]:
    """Two scopes, each on an engine of its own."""
    with ExitStack() as stack:
        made = []
        for name in "ab":
            engine = sa.create_engine(f"sqlite:///{tmp_path / name}")
            made.append(scoped_session(sessionmaker(engine)))
            stack.callback(engine.dispose)
            stack.callback(made[-1].remove)
        yield made


@pytest.mark.parametrize("ends", ["commit", "rollback"])
@pytest.mark.parametrize("by_function", [False, True])
def test_amid_the_transactions_of_two_sessions_a_push_waits_for_both(
    ship: Any,
    fake: redis.Redis,
    scopes: list[scoped_session[Session]],
    ends: str,
    by_function: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = scopes
    kiq.after_commit.always(first, (lambda: second) if by_function else second)
    first.execute(SELECT)
    ship.perform_async("first")
    second.execute(SELECT)
    ship.perform_async("both")
    first.commit()
    assert pushed(fake) == ["first"]
    getattr(second, ends)()
    assert pushed(fake) == (["first", "both"] if ends == "commit" else ["first"])
    ship.perform_async("at once")
    assert pushed(fake)[-1] == "at once"
    assert [each for each in caplog.records if each.levelname == "WARNING"] == []


def test_a_push_amid_the_transaction_of_a_session_that_nobody_named_is_told_once(
    ship: Any,
    fake: redis.Redis,
    scopes: list[scoped_session[Session]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = scopes
    kiq.after_commit.always(first)
    ship.perform_async(0)
    second.execute(SELECT)
    assert "in the midst" not in caplog.text
    ship.perform_async(1)
    ship.perform_async(2)
    assert pushed(fake) == [0, 1, 2]
    assert caplog.text.count("in the midst of a transaction") == 1


def test_transactions_that_ended_or_are_of_other_threads_and_tasks_are_not_told(
    ship: Any,
    fake: redis.Redis,
    scopes: list[scoped_session[Session]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = scopes
    kiq.after_commit.always(first)
    second.execute(SELECT)
    second.commit()
    ship.perform_async(1)
    opened, over = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with Session(second.get_bind()) as session:
            session.execute(SELECT)
            opened.set()
            over.wait(20)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    opened.wait(20)
    ship.perform_async(2)
    over.set()
    thread.join()

    async def begins() -> None:
        second.execute(SELECT)

    async def main() -> None:
        await asyncio.create_task(begins())
        ship.perform_async(3)

    asyncio.run(main())
    assert pushed(fake) == [1, 2, 3]
    assert "in the midst" not in caplog.text


def test_plain_code_on_another_thread_amid_the_transaction_of_a_task_is_told(
    ship: Any, fake: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'async'}")
    scope = async_scoped_session(lambda: AsyncSession(engine), scopefunc=asyncio.current_task)  # type: ignore[arg-type,return-value]
    kiq.after_commit.always(scope)

    async def main() -> None:
        await scope.execute(SELECT)
        await ship.aio.perform_async("waits")
        assert "in the midst" not in caplog.text
        await asyncio.to_thread(ship.perform_async, "at once")
        assert pushed(fake) == ["at once"]
        await scope.commit()
        await scope.remove()
        await engine.dispose()

    asyncio.run(main())
    assert pushed(fake) == ["at once", "waits"]
    assert caplog.text.count("in the midst of a transaction") == 1
