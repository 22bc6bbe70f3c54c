"""Sessions end with their job, and a connection that the database closed fails no job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import kiq
from kiq.codec import encode
from kiq.config import Config
from kiq.contrib.sqlalchemy import Sessions
from kiq.registry import registry
from kiq.verdict import DONE, Flight, Permit, Taken, ToRetry, Verdict
from kiq.work.executor import Executor

pytestmark = pytest.mark.needs("sqlalchemy")


def run(name: str) -> Verdict:
    """Run one job as a worker does."""
    payload = {"class": name, "args": [], "jid": "j1", "queue": "default"}
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), encode(payload, "msgpack"), 0.0)
    return Executor(Config(), kiq.host, registry)(taken)


def works(body: Callable[[], Any]) -> Verdict:
    """Make a job of *body*, and run it as a worker does."""
    kiq.job(name="db.job")(body)
    try:
        return run("db.job")
    finally:
        registry._specs.pop("db.job")


@pytest.fixture
def make_engine(tmp_path: Path, fake: redis.Redis) -> Iterator[Callable[..., sa.Engine]]:
    made: list[sa.Engine] = []

    def make(**options: Any) -> sa.Engine:
        made.append(sa.create_engine(f"sqlite:///{tmp_path / 'db'}", pool_size=2, **options))
        return made[-1]

    yield make
    for each in made:
        each.dispose()


@pytest.fixture
def engine(make_engine: Callable[..., sa.Engine]) -> sa.Engine:
    made = make_engine()
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (number INTEGER)"))
    return made


def held(engine: sa.Engine) -> int:
    return int(engine.pool.checkedout())  # type: ignore[attr-defined]


def count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM orders")) or 0)


INSERT = sa.text("INSERT INTO orders VALUES (1)")


def test_a_scoped_session_is_removed_after_the_job_and_what_was_not_committed_with_it(
    engine: sa.Engine,
) -> None:
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))
    seen: list[Session] = []

    def body() -> None:
        seen.append(scope())
        scope.execute(INSERT)
        if len(seen) == 3:
            scope.commit()
        if len(seen) == 2:
            raise ValueError("no")

    for verdict in (DONE, ToRetry, DONE):
        outcome = works(body)
        assert outcome is verdict or isinstance(
            outcome, type(verdict) if verdict is DONE else verdict
        )
        assert not scope.registry.has()
        assert held(engine) == 0
    assert len({id(each) for each in seen}) == 3
    assert count(engine) == 1


def test_without_the_plugin_a_session_would_stay(engine: sa.Engine) -> None:
    scope = scoped_session(sessionmaker(engine))
    works(lambda: scope.execute(INSERT))
    assert held(engine) == 1
    scope.remove()


def test_a_leaked_session_is_closed_and_told(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    kiq.host.install(Sessions())
    kept: list[Session] = []

    def body() -> None:
        kept.append(Session(engine))
        kept[0].execute(INSERT)

    works(body)
    assert held(engine) == 0
    assert "db.job left a session open" in caplog.text
    assert count(engine) == 0
    kept.clear()
    caplog.clear()

    def tidy() -> None:
        kept.append(Session(engine))
        kept[0].execute(INSERT)
        kept[0].commit()

    works(tidy)
    assert "left a session open" not in caplog.text
    assert count(engine) == 1


def test_sessions_of_other_threads_are_left_alone(engine: sa.Engine) -> None:
    kiq.host.install(Sessions())
    theirs = Session(engine)
    theirs.execute(sa.text("SELECT 1"))

    def body() -> None:
        import contextvars

        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(lambda: theirs.execute(sa.text("SELECT 1")),)
        )
        theirs.rollback()
        thread.start()
        thread.join()

    assert works(body) is DONE
    assert theirs.in_transaction()
    theirs.close()


def test_a_job_that_runs_here_and_now_shares_the_session_of_its_caller(engine: sa.Engine) -> None:
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))

    @kiq.job(name="db.inner")
    def inner() -> int:
        return int(scope.scalar(sa.text("SELECT count(*) FROM orders")) or 0)

    scope.execute(INSERT)
    assert inner.perform_inline() == 1
    assert scope.registry.has()

    def outer() -> None:
        scope.execute(INSERT)
        inner.perform_inline()
        scope.commit()

    scope.rollback()
    assert works(outer) is DONE
    assert count(engine) == 1


def test_a_session_that_cant_be_removed_fails_neither_this_job_nor_the_next(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))

    def body() -> None:
        session = scope()
        session.execute(INSERT)
        event.listen(session, "after_transaction_end", _broken)

    assert works(body) is DONE
    assert "removing a session" in caplog.text
    assert not scope.registry.has()
    assert works(lambda: scope.execute(INSERT)) is DONE


def _broken(*_: object) -> None:
    raise OSError("the network is down")


def test_async_jobs_are_left_alone() -> None:
    async def perform() -> None: ...

    plugin = Sessions()
    assert not plugin.applies_to(perform)
    assert plugin.applies_to(lambda: None)


@pytest.mark.parametrize(("pre_ping", "outcome"), [(True, "done"), (False, "retry")])
def test_a_connection_that_the_database_closed_between_two_jobs_is_replaced_by_pool_pre_ping(
    make_engine: Callable[..., sa.Engine], pre_ping: bool, outcome: str
) -> None:
    engine = make_engine(pool_pre_ping=pre_ping)
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))
    opened: list[Any] = []
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    assert works(lambda: scope.execute(sa.text("SELECT 1"))) is DONE
    assert len(opened) == 1
    opened[0].close()  # behind the pool's back, as a server does
    verdict = works(lambda: scope.execute(sa.text("SELECT 1")))
    assert ("done" if verdict is DONE else "retry") == outcome
    assert works(lambda: scope.execute(sa.text("SELECT 1"))) is DONE
    assert len(opened) == 2


def test_a_worker_advises_pool_pre_ping_at_its_start(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.dialect, "name", "postgresql")
    kiq.host.install(Sessions(scoped_session(sessionmaker(engine)), scoped_session(Session)))
    kiq.host.events.emit_strictly("startup")
    assert caplog.text.count("has no pool_pre_ping") == 1


def test_what_is_no_scope_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(kiq.ConfigError, match="takes scoped sessions"):
        Sessions(sessionmaker(engine))  # type: ignore[arg-type]
