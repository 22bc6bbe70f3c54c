"""Scopes of sessions that are there only in a context of their own: Flask's, a variable's, a task's."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import kiq
from kiq.contrib.sqlalchemy import Sessions
from kiq.verdict import DONE, ToRetry
from tests.helpers.stored import in_queue
from tests.unit.contrib.test_sqlalchemy_sessions import INSERT, count, held, works
from tests.unit.plugins.test_async_runner import Bench, bench  # noqa: F401

pytestmark = pytest.mark.needs("sqlalchemy", "flask_sqlalchemy", "greenlet", "aiosqlite")

request: ContextVar[int] = ContextVar("request")
_numbers = itertools.count()


@pytest.fixture
def ship(fake: redis.Redis) -> Iterator[Any]:
    yield kiq.job(name="orders.ship")(lambda: None)
    kiq.after_commit.always(None)


@pytest.fixture
def engine(tmp_path: Path, fake: redis.Redis) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"sqlite:///{tmp_path / 'db'}", pool_size=2)
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (number INTEGER)"))
    yield made
    made.dispose()


@pytest.fixture
def scope(engine: sa.Engine) -> scoped_session[Session]:
    """A scope by the variable *request*, which :func:`in_request` sets."""
    return scoped_session(sessionmaker(engine), scopefunc=request.get)


def in_request(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
    """A layer that opens what the scope needs."""
    token = request.set(next(_numbers))
    try:
        return call_next(context)
    finally:
        request.reset(token)


@pytest.fixture
def shop(tmp_path: Path, engine: sa.Engine) -> Iterator[tuple[Flask, SQLAlchemy]]:
    """A Flask application on the same database."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'db'}"
    db = SQLAlchemy(app)
    yield app, db
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("first", ["sessions", "layer"])
def test_a_layer_that_opens_the_context_of_flask_fails_no_job(
    shop: tuple[Flask, SQLAlchemy], engine: sa.Engine, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, db = shop

    def in_app(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
        with app.app_context():
            return call_next(context)

    if first == "sessions":
        kiq.host.install(Sessions(db.session))
        kiq.host.around_perform(in_app)
    else:
        kiq.host.around_perform(in_app)
        kiq.host.install(Sessions(db.session))

    def body() -> None:
        db.session.execute(INSERT)
        db.session.commit()
        db.session.execute(INSERT)  # never committed

    for number in range(1, 4):
        assert works(body) is DONE
        assert not db.session.registry.registry
        assert count(engine) == number
    assert caplog.text == ""
    with app.app_context():
        assert held(db.engine) == 0


def test_a_job_may_open_the_context_of_flask_itself(
    shop: tuple[Flask, SQLAlchemy], caplog: pytest.LogCaptureFixture
) -> None:
    app, db = shop
    kiq.host.install(Sessions(db.session))

    def body() -> None:
        for _ in range(2):
            with app.app_context():
                db.session.execute(INSERT)

    assert works(body) is DONE
    assert works(lambda: None) is DONE
    assert not db.session.registry.registry
    assert caplog.text == ""


def test_sessions_of_a_scope_that_ends_before_the_job_are_removed_all_the_same(
    scope: scoped_session[Session], engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.host.install(Sessions(scope))
    kiq.host.around_perform(in_request)
    for _ in range(3):
        assert works(lambda: scope.execute(INSERT)) is DONE
        assert not scope.registry.registry
        assert held(engine) == 0
    assert count(engine) == 0
    assert caplog.text == ""


def test_what_a_layer_commits_after_the_job_is_still_there(
    scope: scoped_session[Session], engine: sa.Engine
) -> None:
    kiq.host.install(Sessions(scope))
    kiq.host.around_perform(in_request)

    @kiq.host.around_perform
    def commits(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
        result = call_next(context)
        scope.commit()
        return result

    assert works(lambda: scope.execute(INSERT)) is DONE
    assert count(engine) == 1


def test_a_session_that_took_the_same_place_meanwhile_is_left_alone(
    scope: scoped_session[Session], engine: sa.Engine
) -> None:
    kiq.host.install(Sessions(scope))
    theirs: list[Session] = []

    @kiq.host.around_perform
    def same_place(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
        token = request.set(-1)
        try:
            call_next(context)
            scope.remove()
            theirs.append(scope())  # as another thread may get one whose context has the same id
            other = threading.Thread(target=theirs[0].execute, args=[sa.text("SELECT 1")])
            other.start()
            other.join()
        finally:
            request.reset(token)

    works(lambda: scope.execute(INSERT))
    assert scope.registry.registry[-1] is theirs[0]
    theirs[0].close()


def test_an_error_in_removing_such_a_session_is_reported_and_fails_no_job(
    scope: scoped_session[Session], engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.host.install(Sessions(scope))
    kiq.host.around_perform(in_request)

    def body() -> None:
        session = scope()
        session.execute(INSERT)
        sa.event.listen(session, "after_transaction_end", _broken)

    assert works(body) is DONE
    assert "removing a session" in caplog.text
    assert not scope.registry.registry


def _broken(*_: object) -> None:
    raise OSError("the network is down")


def test_a_job_that_fails_in_such_a_context_fails_by_its_own_error(
    scope: scoped_session[Session], engine: sa.Engine
) -> None:
    kiq.host.install(Sessions(scope))
    kiq.host.around_perform(in_request)

    def body() -> None:
        scope.execute(INSERT)
        raise ValueError("no")

    verdict = works(body)
    assert isinstance(verdict, ToRetry)
    assert b"ValueError" in verdict.raw
    assert not scope.registry.registry


def test_a_child_that_a_job_forks_leaves_the_sessions_of_its_parent(
    engine: sa.Engine, tmp_path: Path
) -> None:
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))
    parent, ended = os.getpid(), tmp_path / "ended"

    @kiq.host.server_middleware.prepend
    def outside(context: kiq.ServerContext, call_next: Callable[[Any], Any]) -> Any:
        call_next(context)
        if os.getpid() != parent:
            ended.write_text(f"{scope.registry.has()}")
            os._exit(0)

    def body() -> None:
        scope.execute(INSERT)
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            scope.commit()

    assert works(body) is DONE
    assert ended.read_text() == "True"
    assert count(engine) == 1


# Pushing


def test_where_flask_has_no_context_a_push_goes_at_once(
    shop: tuple[Flask, SQLAlchemy], ship: Any, fake: redis.Redis
) -> None:
    app, db = shop
    kiq.after_commit.always(db.session)
    ship.perform_async()
    ship.perform_bulk([()])
    assert len(in_queue(fake)) == 2
    with app.app_context():
        ship.perform_async()
        assert len(in_queue(fake)) == 3, "no transaction has begun"
        db.session.execute(INSERT)
        ship.perform_async()
        assert len(in_queue(fake)) == 3
        db.session.commit()
        assert len(in_queue(fake)) == 4
        db.session.execute(INSERT)
        ship.perform_async()
    assert len(in_queue(fake)) == 4, "the end of the context rolls back"


def test_a_scope_that_can_not_tell_where_it_is_makes_no_push_wait(
    scope: scoped_session[Session], ship: Any, fake: redis.Redis
) -> None:
    kiq.after_commit.always(scope)
    ship.perform_async()
    assert len(in_queue(fake)) == 1
    request.set(1)
    scope.execute(INSERT)
    ship.perform_async()
    assert len(in_queue(fake)) == 1
    scope.commit()
    assert len(in_queue(fake)) == 2
    scope.remove()


def test_outside_of_an_event_loop_a_scope_of_tasks_makes_no_push_wait(
    ship: Any, fake: redis.Redis
) -> None:
    def no_task() -> Any:
        return asyncio.current_task()

    scope = async_scoped_session(lambda: AsyncSession(), scopefunc=no_task)  # type: ignore[arg-type,return-value]
    kiq.after_commit.always(scope)
    ship.perform_async()
    assert len(in_queue(fake)) == 1


def test_a_maker_of_sessions_is_refused_with_what_to_give(engine: sa.Engine) -> None:
    with pytest.raises(kiq.ConfigError, match="a new session at each call: give a scoped_session"):
        kiq.after_commit.always(sessionmaker(engine))
    with pytest.raises(kiq.ConfigError, match="takes scoped sessions"):
        Sessions(sessionmaker(engine))  # type: ignore[arg-type]


# Async jobs


def test_the_sessions_of_async_jobs_are_removed_from_their_scope(
    bench: Bench,  # noqa: F811
    tmp_path: Path,
) -> None:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'async'}", poolclass=sa.StaticPool
    )
    scope = async_scoped_session(lambda: AsyncSession(engine), scopefunc=asyncio.current_task)  # type: ignore[arg-type,return-value]
    seen: list[AsyncSession] = []

    async def one() -> None:
        seen.append(scope())
        await scope.execute(sa.text("SELECT 1"))

    async def f(how: str) -> None:
        if how == "dispose":
            await engine.dispose()
            return
        await one()
        await asyncio.gather(one(), one())  # tasks of their own, and so scopes
        if how == "fail":
            raise ValueError(how)

    bench.host.install(Sessions(scope))
    bench.add(f)
    assert bench.run("end") is DONE
    assert isinstance(bench.run("fail"), ToRetry)
    assert len({id(each) for each in seen}) == 6
    assert not scope.registry.registry
    assert not any(each.in_transaction() for each in seen)
    assert [type(error) for error, _ in bench.reported] == [ValueError]
    assert bench.run("dispose") is DONE


def test_where_no_scope_is_of_tasks_async_jobs_are_left_alone(engine: sa.Engine) -> None:
    async def perform() -> None: ...

    assert not Sessions(scoped_session(sessionmaker(engine))).applies_to(perform)
