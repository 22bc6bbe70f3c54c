"""What is pushed in a transaction of SQLAlchemy reaches Redis when that is committed, or never."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session
from sqlalchemy.orm import sessionmaker as make_sessions

import kiq
from kiq import testing
from kiq.client import default_client
from tests.helpers.stored import in_queue, scheduled

pytestmark = pytest.mark.needs("sqlalchemy")


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"sqlite:///{tmp_path / 'db'}")
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def job(fake: redis.Redis) -> Iterator[Any]:
    @kiq.job(name="orders.ship")
    def ship(number: Any) -> None: ...

    yield ship
    kiq.after_commit.always(None)


def pushed(fake: redis.Redis) -> list[Any]:
    return [payload["args"][0] for payload in in_queue(fake)]


def test_a_commit_pushes_once_and_the_jid_is_known_before(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        session.add(Order(number=1))
        jid = job.via(kiq.after_commit(session)).perform_async(1)
        assert len(jid) == 24
        assert pushed(fake) == []
        session.commit()
        assert [each["jid"] for each in in_queue(fake)] == [jid]
        session.add(Order(number=2))
        session.commit()
    assert pushed(fake) == [1]


def test_a_class_pushes_via_it_too(fake: redis.Redis, engine: sa.Engine) -> None:
    class Ship(kiq.Job, name="orders.Ship", queue="low"):
        def perform(self, number: int) -> None: ...

    with Session(engine) as session:
        client = kiq.after_commit(session)
        Ship.via(client).set(tags=["x"]).perform_async(1)
        Ship.set(tags=["y"]).via(client).perform_async(2)
        assert not fake.exists("queue:low")
        session.commit()
    assert [each["tags"] for each in in_queue(fake, "low")] == [["x"], ["y"]]


ENDS = ["rollback", "close", "error", "garbage"]
if hasattr(Session, "reset"):  # from SQLAlchemy 2.0.22 on
    ENDS.append("reset")


@pytest.mark.parametrize("end", ENDS)
def test_what_is_rolled_back_is_never_pushed(
    job: Any, fake: redis.Redis, engine: sa.Engine, end: str
) -> None:
    session = Session(engine)
    session.add(Order(number=1))
    job.via(kiq.after_commit(session)).perform_async(1)
    if end == "error":
        session.add(Order(number=1))
        with pytest.raises(sa.exc.IntegrityError):
            session.commit()
        session.rollback()
    elif end != "garbage":
        getattr(session, end)()
    session = Session(engine) if end == "garbage" else session
    session.commit()
    session.close()
    assert pushed(fake) == []


def test_a_rollback_is_told(job: Any, engine: sa.Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "kiq.client")
    with Session(engine) as session:
        jid = job.via(kiq.after_commit(session)).perform_async(1)
    assert f"rolled back, so not pushed: {jid}" in caplog.text


def test_jobs_keep_their_order_through_savepoints_and_those_of_a_rolled_back_one_are_dropped(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session, session.begin(), kiq.after_commit(session):
        job.perform_async(1)
        with session.begin_nested():
            job.perform_async(2)
            with session.begin_nested():
                job.perform_async(3)
            with session.begin_nested() as savepoint:
                job.perform_async("dropped")
                savepoint.rollback()
            job.perform_async(4)
        with suppress(ZeroDivisionError), session.begin_nested():
            with session.begin_nested():
                job.perform_async("released, then rolled back with the outer one")
            raise ZeroDivisionError
        job.perform_async(5)
        assert pushed(fake) == []
    assert pushed(fake) == [1, 2, 3, 4, 5]


def test_a_commit_with_savepoints_open_releases_them(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session, kiq.after_commit(session):
        job.perform_async(1)
        session.begin_nested()
        job.perform_async(2)
        session.commit()
    assert pushed(fake) == [1, 2]


def test_a_released_savepoint_of_a_rolled_back_transaction_pushes_nothing(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session, kiq.after_commit(session):
        with session.begin_nested():
            job.perform_async(1)
        session.rollback()
    assert pushed(fake) == []


def test_a_session_is_used_again_and_again(job: Any, fake: redis.Redis, engine: sa.Engine) -> None:
    with Session(engine) as session:
        client = kiq.after_commit(session)
        for number in range(4):
            job.via(client).perform_async(number)
            session.commit() if number % 2 else session.rollback()
        assert not session.info["kiq.after_commit"]
    assert pushed(fake) == [1, 3]


def test_sessions_do_not_wait_for_each_other(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as one, Session(engine) as other:
        with kiq.after_commit(one):
            job.perform_async("one")
            with kiq.after_commit(other):
                job.perform_async("other")
            job.perform_async("one again")
            with kiq.after_commit(None):
                job.perform_async("at once")
        assert pushed(fake) == ["at once"]
        other.commit()
        assert pushed(fake) == ["at once", "other"]
        one.rollback()
    assert pushed(fake) == ["at once", "other"]


def test_arguments_are_what_they_were_at_the_call(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    numbers = [1]
    with Session(engine) as session:
        job.via(kiq.after_commit(session)).perform_async(numbers)
        numbers.append(2)
        session.commit()
    assert pushed(fake) == [[1]]


def test_what_cant_be_a_job_is_refused_at_the_call(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        ship = job.via(kiq.after_commit(session))
        for wrong in [(), (object(),), ((1, 2),)]:
            with pytest.raises(kiq.ArgumentError):
                ship.perform_async(*wrong)
        with pytest.raises(kiq.PayloadError):
            ship.perform_async("x" * 17_000_000)
        session.commit()
    assert pushed(fake) == []


def test_due_times_count_from_the_call(job: Any, fake: redis.Redis, engine: sa.Engine) -> None:
    with Session(engine) as session:
        ship = job.via(kiq.after_commit(session))
        before = time.time()
        ship.perform_in(60, 1)
        after = time.time()
        ship.perform_at(4_102_444_800, 2)
        ship.perform_in(-5, 3)
        session.commit()
    (first, payload), (second, _) = scheduled(fake)
    assert before + 60 <= first <= after + 60
    assert second == 4_102_444_800
    assert "enqueued_at" not in payload
    assert "at" not in payload
    assert pushed(fake) == [3]


def test_the_switch_waits_for_the_session_of_the_scope_and_else_pushes_at_once(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    scope = scoped_session(make_sessions(engine))
    kiq.after_commit.always(scope)
    job.perform_async(1)
    assert not scope.registry.has()
    scope.execute(sa.text("SELECT 1"))
    job.perform_async(2)
    kiq.push({"class": "orders.ship", "args": [3]})
    job.via(kiq.after_commit(None)).perform_async(4)
    assert pushed(fake) == [1, 4]
    scope.commit()
    assert pushed(fake) == [1, 4, 2, 3]
    job.perform_async(5)
    assert pushed(fake) == [1, 4, 2, 3, 5]
    scope.add(Order(number=1))
    job.perform_async(6)
    scope.remove()
    kiq.after_commit.always(None)
    job.perform_async(7)
    assert pushed(fake) == [1, 4, 2, 3, 5, 7]


def test_the_switch_leaves_bulks_alone_as_sidekiq_does(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    scope = scoped_session(make_sessions(engine))
    kiq.after_commit.always(scope)
    with scope.begin():
        job.perform_async(0)
        assert len(job.perform_bulk([(1,), (2,)])) == 2
        assert kiq.push_bulk({"class": "orders.ship"}, [[3]])
        assert pushed(fake) == [1, 2, 3]
    assert pushed(fake) == [1, 2, 3, 0]
    scope.remove()


def test_a_bulk_waits_where_that_is_asked_for(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        ship = job.via(kiq.after_commit(session))
        jids = ship.perform_bulk(((number,) for number in range(2500)), batch_size=1000)
        assert ship.perform_bulk([]) == []
        assert pushed(fake) == []
        session.commit()
    assert [each["jid"] for each in in_queue(fake)] == jids
    assert pushed(fake) == list(range(2500))


def test_the_switch_takes_a_function_that_knows_the_session(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    current: list[Any] = [None]
    kiq.after_commit.always(lambda: current[0])
    job.perform_async(1)
    with Session(engine) as session:
        current[0] = session
        job.perform_async(2)
        session.begin()
        job.perform_async(3)
        assert pushed(fake) == [1, 2]
        with kiq.after_commit():
            job.perform_bulk([(4,)])
        assert pushed(fake) == [1, 2]
        session.commit()
    assert pushed(fake) == [1, 2, 3, 4]


def test_an_explicit_wait_begins_the_transaction(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        job.via(kiq.after_commit(session)).perform_async(1)
        assert session.in_transaction()
        assert pushed(fake) == []
    assert pushed(fake) == []
    with Session(engine, autobegin=False) as session:
        job.via(kiq.after_commit(session)).perform_async(2)
    assert pushed(fake) == [2]


def test_client_middleware_runs_after_the_commit_in_the_context_of_the_call(
    job: Any, fake: redis.Redis, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kiq.client")
    heard: list[Any] = []

    @kiq.host.around_push
    def hear(context: kiq.ClientContext, call_next: Any) -> Any:
        heard.append(context.payload["args"])
        return None if context.payload["args"] == ["vetoed"] else call_next(context)

    with Session(engine) as session, kiq.after_commit(session):
        job.perform_async(1)
        jid = job.perform_async("vetoed")
        assert heard == []
        session.commit()
        assert heard == [[1], ["vetoed"]]
        job.perform_async(2)
    assert heard == [[1], ["vetoed"]]
    assert f"vetoed it [jid={jid}" in caplog.text


@pytest.mark.parametrize("always", [True, False])
def test_what_client_middleware_pushes_in_its_turn_is_pushed(
    job: Any, fake: redis.Redis, engine: sa.Engine, always: bool
) -> None:
    @kiq.host.around_push
    def also(context: kiq.ClientContext, call_next: Any) -> Any:
        if context.payload["args"] == [1]:
            job.perform_async(2)
        return call_next(context)

    with Session(engine) as session:
        if always:
            kiq.after_commit.always(lambda: session)
        with kiq.after_commit(session):
            job.perform_async(1)
            session.commit()
    assert pushed(fake) == [2, 1]


def test_what_is_carried_is_that_of_the_call(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    from tests.unit.plugins.test_context_variables import tenant, within

    dumped: list[Any] = []
    kiq.carry(tenant, dump=lambda value: dumped.append(value) or value)
    with Session(engine) as session:
        within(tenant="acme")(job.via(kiq.after_commit(session)).perform_async, 1)
        assert dumped == ["acme"]
        session.commit()
    assert in_queue(fake)[0]["cattr"] == {"tenant": "acme"}
    assert dumped == ["acme"]


def test_what_is_current_at_the_commit_is_not_carried(
    job: Any, fake: redis.Redis, engine: sa.Engine, fresh_host: kiq.Host
) -> None:
    here = threading.local()
    kiq.carry_locale(lambda: getattr(here, "locale", None), lambda _locale: nullcontext())
    with Session(engine) as session:
        job.via(kiq.after_commit(session)).perform_async(1)
        here.locale = "de"
        job.via(kiq.after_commit(session)).perform_async(2)
        session.commit()
    assert [each.get("locale") for each in in_queue(fake)] == [None, "de"]


def test_what_a_handler_of_the_same_commit_pushes_is_pushed(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    session = Session(engine)
    kiq.after_commit.always(lambda: session)
    event.listen(session, "after_commit", lambda _: job.perform_async("after commit"))
    session.execute(sa.text("SELECT 1"))
    session.commit()
    assert pushed(fake) == ["after commit"]
    event.listen(session, "after_flush", lambda *_: job.perform_async("after flush"))
    event.listen(session, "after_transaction_end", lambda *_: job.perform_async("end"))
    session.add(Order(number=1))
    session.commit()
    session.close()
    assert set(pushed(fake)[1:]) == {"after flush", "after commit", "end"}


def test_an_error_after_the_commit_is_raised_and_the_session_stays_usable(
    job: Any, engine: sa.Engine, unconfigured: None
) -> None:
    tries: list[Any] = []

    @kiq.host.around_push
    def count(context: kiq.ClientContext, call_next: Any) -> Any:
        tries.append(context.payload)
        return call_next(context)

    with Session(engine) as session:
        session.add(Order(number=1))
        ship = job.via(kiq.after_commit(session))
        kiq.configure(redis="redis://127.0.0.1:1/0")
        jids = [ship.perform_async(number) for number in range(3)]
        with pytest.raises(kiq.StoreUnavailable) as raised:
            session.commit()
        assert raised.value.jids == tuple(jids)
        assert len(tries) == 1  # each may take seconds
        assert "committed, but not pushed: orders.ship" in raised.value.__notes__[0]
        assert not session.in_transaction()
        assert session.scalar(sa.select(sa.func.count(Order.id))) == 1
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_an_error_of_one_does_not_keep_the_others_back(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    @kiq.host.around_push
    def refuse(context: kiq.ClientContext, call_next: Any) -> Any:
        if context.payload["args"] == [2]:
            raise LookupError("no")
        return call_next(context)

    with Session(engine) as session, kiq.after_commit(session):
        for number in (1, 2, 3):
            job.perform_async(number)
        with pytest.raises(LookupError, match="no"), session.begin_nested():
            session.commit()
    assert pushed(fake) == [1, 3]


def test_the_database_connection_is_free_before_redis_is_asked(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    held: list[int] = []

    @kiq.host.around_push
    def look(context: kiq.ClientContext, call_next: Any) -> Any:
        held.append(engine.pool.checkedout())  # type: ignore[attr-defined]
        return call_next(context)

    with Session(engine) as session, kiq.after_commit(session), session.begin():
        session.add(Order(number=1))
        job.perform_async(1)
    assert held == [0]


def test_two_phase_transactions_push_at_the_second(
    job: Any, fake: redis.Redis, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite has no two phases; SQLAlchemy's side of them is what counts here.
    for name in ("begin", "prepare"):
        monkeypatch.setattr(engine.dialect, f"do_{name}_twophase", lambda *_: None)
    for name in ("commit", "rollback"):
        plain = getattr(engine.dialect, f"do_{name}")
        monkeypatch.setattr(
            engine.dialect,
            f"do_{name}_twophase",
            lambda connection, *_, plain=plain, **__: plain(connection.connection.dbapi_connection),
        )
    with Session(engine, twophase=True) as session:
        for number, end in ((1, "commit"), (2, "rollback")):
            session.add(Order(number=number))
            job.via(kiq.after_commit(session)).perform_async(number)
            session.prepare()
            assert 2 not in pushed(fake)
            getattr(session, end)()
        assert pushed(fake) == [1]
        assert session.scalars(sa.select(Order.number)).all() == [1]


def test_an_async_session_waits_too(job: Any, fake: redis.Redis, tmp_path: Path) -> None:
    async def main() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'async'}")
        async with AsyncSession(engine) as session:
            with kiq.after_commit(session):
                job.perform_async(1)
                await session.execute(sa.text("SELECT 1"))
                async with session.begin_nested():
                    job.perform_async(2)
                assert pushed(fake) == []
                await session.commit()
                assert pushed(fake) == [1, 2]
                job.perform_async(3)
                await session.rollback()
        scope = async_scoped_session(lambda: AsyncSession(engine), asyncio.current_task)
        kiq.after_commit.always(scope)
        await scope.execute(sa.text("SELECT 1"))
        job.perform_async(4)
        assert pushed(fake) == [1, 2]
        await scope.commit()
        await scope.remove()
        await engine.dispose()

    asyncio.run(main())
    assert pushed(fake) == [1, 2, 4]


def test_blocks_of_other_threads_and_tasks_do_not_mix(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session, kiq.after_commit(session):
        thread = threading.Thread(target=job.perform_async, args=("other thread",))
        thread.start()
        thread.join()
        job.perform_async("mine")
        assert pushed(fake) == ["other thread"]


def test_a_task_that_outlives_its_block_does_not_wait_for_ever(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        with kiq.after_commit(session):
            inherited = copy_context()
            inherited.run(job.perform_async, "inside")
        session.commit()
        inherited.run(job.perform_async, "outlives")
    assert pushed(fake) == ["inside", "outlives"]


def test_blocks_of_one_client_that_overlap_end_each_for_itself(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with Session(engine) as session:
        client = kiq.after_commit(session)
        one, other = copy_context(), copy_context()
        one.run(client.__enter__)
        other.run(client.__enter__)
        one.run(client.__exit__, None, None, None)
        other.run(job.perform_async, "waits")
        other.run(client.__exit__, None, None, None)
        with client:
            one.run(job.perform_async, "at once")
            other.run(job.perform_async, "at once, too")
        assert pushed(fake) == ["at once", "at once, too"]
        session.commit()
    assert pushed(fake) == ["at once", "at once, too", "waits"]


def test_a_block_may_end_in_another_context(job: Any, fake: redis.Redis, engine: sa.Engine) -> None:
    with Session(engine) as session:
        block = kiq.after_commit(session)
        copy_context().run(block.__enter__)
        block.__exit__(None, None, None)
        job.perform_async(1)
    assert pushed(fake) == [1]


def test_an_error_after_a_commit_by_a_block_leaves_the_session_usable(
    job: Any, engine: sa.Engine, unconfigured: None, tmp_path: Path
) -> None:
    kiq.configure(redis="redis://127.0.0.1:1/0")
    with Session(engine) as session:
        ship = job.via(kiq.after_commit(session))
        with pytest.raises(kiq.StoreUnavailable), session.begin(), kiq.after_commit(session):
            [session.add(Order(number=1)), ship.perform_async(1)]
        with session.begin():
            session.add(Order(number=2))
        assert session.scalar(sa.select(sa.func.count(Order.id))) == 2

    async def main() -> None:
        aengine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'async'}")
        async with AsyncSession(aengine) as session:
            job.via(kiq.after_commit(session)).perform_async(1)
            await session.execute(sa.text("SELECT 1"))
            with pytest.raises(kiq.StoreUnavailable):
                await session.commit()
            assert (await session.execute(sa.text("SELECT 1"))).scalar() == 1
        await aengine.dispose()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: kiq.after_commit(), "needs to know of which"),
        (lambda: kiq.after_commit("default"), "no session of SQLAlchemy"),
        (lambda: kiq.after_commit(make_sessions()), "takes a session of SQLAlchemy"),
        (lambda: kiq.after_commit(Session(), using="default"), "either a session or using"),
        (lambda: kiq.after_commit.always(), "needs a session"),
        (lambda: kiq.after_commit.always("x"), "no session of SQLAlchemy"),
    ],
)
def test_mistakes_are_told(job: Any, wrong: Any, says: str) -> None:
    with pytest.raises(kiq.ConfigError, match=says):
        wrong()


def test_in_the_modes_of_kiq_testing_a_push_waits_as_well(
    job: Any, fake: redis.Redis, engine: sa.Engine
) -> None:
    with testing.scoped("fake"), Session(engine) as session, kiq.after_commit(session):
        job.perform_async(1)
        assert testing.jobs(job) == []
        session.commit()
        assert [each.args for each in testing.jobs(job)] == [[1]]
        job.perform_async(2)
        session.rollback()
        assert len(testing.jobs(job)) == 1
    assert pushed(fake) == []


def test_jobs_that_a_test_drains_inside_its_block_are_not_in_it(
    fake: redis.Redis, engine: sa.Engine
) -> None:
    @kiq.job(name="orders.pack")
    def pack(left: int) -> None:
        if left:
            pack.perform_async(left - 1)

    with testing.scoped("fake"), Session(engine) as session, kiq.after_commit(session):
        pack.perform_async(2)
        session.commit()
        assert testing.drain() == 3
        pack.perform_async(0)
        assert testing.jobs() == [], "the test itself still waits"


def test_it_stands_for_the_usual_client(job: Any, engine: sa.Engine) -> None:
    with Session(engine) as session:
        client = kiq.after_commit(session)
        usual = default_client()
        assert client.codec == usual.codec
        assert client.max_payload == usual.max_payload
        assert client.connector is usual.connector
        assert job.via(client).perform_inline(1) is None
