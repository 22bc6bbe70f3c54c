"""Pushes that wait for a commit, on a real server: many threads, an outage, a fork, another Redis."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import kiq
from kiq.config import Redis as RedisSettings
from tests.helpers.namespaced import store_of
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("django", "sqlalchemy")


@pytest.fixture
def job(kiq_client: kiq.Client) -> Iterator[Any]:
    @kiq.job(name="orders.ship")
    def ship(number: Any) -> None: ...

    yield ship
    kiq.after_commit.always(None)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"sqlite:///{tmp_path / 'db'}", connect_args={"timeout": 30})
    yield made
    made.dispose()


def pushed(raw: redis.Redis) -> list[Any]:
    return [payload["args"][0] for payload in in_queue(raw)]


def test_threads_with_sessions_of_their_own_push_what_each_commits(
    job: Any, raw: redis.Redis, engine: sa.Engine
) -> None:
    scope = scoped_session(sessionmaker(engine))
    kiq.after_commit.always(scope)
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for turn in range(40):
                scope.execute(sa.text("SELECT 1"))
                job.perform_async([thread, turn, 0])
                with scope.begin_nested():
                    job.perform_async([thread, turn, 1])
                if turn % 2:
                    scope.rollback()
                else:
                    scope.commit()
            scope.remove()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not errors
    found = pushed(raw)
    for thread in range(8):
        own = [each[1:] for each in found if each[0] == thread]
        assert own == [[turn, part] for turn in range(0, 40, 2) for part in (0, 1)]
    assert len(found) == 8 * 40


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_both_codecs_wait(
    job: Any, raw: redis.Redis, redis_url: str, engine: sa.Engine, codec: str
) -> None:
    kiq.configure(redis=redis_url, codec=codec)
    with Session(engine) as session, kiq.after_commit(session):
        job.perform_async({"a": [1, None, "é"]})
        if codec == "json":
            with pytest.raises(kiq.ArgumentError):
                job.perform_async(b"\x00")
        session.commit()
    (stored,) = raw.lrange("queue:default", 0, -1)  # type: ignore[misc]
    assert (stored[:1] == b"{") is (codec == "json")
    assert pushed(raw) == [{"a": [1, None, "é"]}]


def test_the_push_buffer_keeps_what_was_committed_while_redis_is_away(
    job: Any, private_server: Callable[..., TestServer], engine: sa.Engine
) -> None:
    server = private_server()
    kiq.configure(redis=server.url, push_buffer=10)
    with Session(engine) as session, kiq.after_commit(session):
        job.perform_async(1)
        server.kill()
        session.commit()
    server.restart()
    client = server.client()
    eventually(lambda: pushed(client) == [1], 20)
    client.close()


def test_a_forked_child_pushes_what_it_commits_itself(
    job: Any, raw: redis.Redis, engine: sa.Engine
) -> None:
    job.perform_async("warm")
    with Session(engine) as mine:
        job.via(kiq.after_commit(mine)).perform_async("parent")
        child = os.fork()
        if child == 0:
            with Session(engine) as session:
                job.via(kiq.after_commit(session)).perform_async("child")
                session.commit()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert pushed(raw) == ["warm", "child"]
        mine.commit()
    assert pushed(raw) == ["warm", "child", "parent"]


def test_a_client_of_another_database_is_pushed_by(
    job: Any, raw: redis.Redis, redis_url: str
) -> None:
    url = redis_url.replace("db=0", "db=7")
    other = store_of(url)
    there = job.via(kiq.Client(RedisSettings(url=url)))
    there.perform_async(1)
    there.set(tags=["x"]).perform_bulk([(2,), (3,)])
    assert pushed(other) == [1, 2, 3]
    assert pushed(raw) == []
    other.flushdb()
    other.close()
