"""A real server that closes connections between two jobs, and two-phase transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from django.db import connections
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import kiq
from kiq.contrib.django.connections import Connections
from kiq.contrib.sqlalchemy import Sessions
from kiq.verdict import DONE
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.postgresql import PostgreSQL, program
from tests.helpers.stored import in_queue
from tests.unit.contrib.test_sqlalchemy_sessions import works

pytestmark = [
    pytest.mark.needs("django", "sqlalchemy"),
    pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed"),
]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.stop()


@pytest.mark.parametrize("pre_ping", [True, False])
def test_pool_pre_ping_replaces_a_connection_that_the_server_closed(
    fake: redis.Redis, postgresql: PostgreSQL, pre_ping: bool, caplog: pytest.LogCaptureFixture
) -> None:
    engine = sa.create_engine(postgresql.url, pool_pre_ping=pre_ping)
    scope = scoped_session(sessionmaker(engine))
    kiq.host.install(Sessions(scope))
    kiq.host.events.emit_strictly("startup")
    assert ("has no pool_pre_ping" in caplog.text) is not pre_ping
    assert works(lambda: scope.execute(sa.text("SELECT 1"))) is DONE
    assert postgresql.close_connections() == 1
    assert (works(lambda: scope.execute(sa.text("SELECT 1"))) is DONE) is pre_ping
    assert works(lambda: scope.execute(sa.text("SELECT 1"))) is DONE
    engine.dispose()


@pytest.fixture
def alias(postgresql: PostgreSQL) -> Iterator[str]:
    """A database of Django whose connections are kept for ever, and health checks not asked for."""
    default = connections.settings["default"]
    connections.settings["postgresql"] = {
        **default,
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "kiq",
        "HOST": str(postgresql.folder),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
    }
    yield "postgresql"
    connections["postgresql"].close()
    del connections["postgresql"]
    del connections.settings["postgresql"]


@pytest.mark.parametrize("installed", [True, False])
def test_a_connection_of_django_that_the_server_closed_does_not_fail_the_next_job(
    fake: redis.Redis, postgresql: PostgreSQL, alias: str, installed: bool
) -> None:
    if installed:
        kiq.host.install(Connections())
    pids: list[int] = []

    def body() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])

    assert works(body) is DONE
    assert works(body) is DONE
    assert pids[0] == pids[1], "the connection is kept between jobs"
    assert postgresql.close_connections() == 1
    assert (works(body) is DONE) is installed
    assert len(pids) == 2 + installed


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_two_phases_push_at_the_second(fake: redis.Redis, postgresql: PostgreSQL, end: str) -> None:
    ship = kiq.job(name="orders.ship")(_nothing)
    engine = sa.create_engine(postgresql.url)
    with Session(engine, twophase=True) as session:
        session.execute(sa.text("SELECT 1"))
        ship.via(kiq.after_commit(session)).perform_async(1)
        session.prepare()
        assert in_queue(fake) == []
        getattr(session, end)()
    assert len(in_queue(fake)) == (end == "commit")
    engine.dispose()


def _nothing(number: Any) -> None:
    return None
