"""Redis away, full, closed to us, or broken: which error, in which words, and what was written."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis import exceptions

import kiq
from kiq.config import Redis
from kiq.errors import StoreDenied, StoreError, StoreFull, StoreUnavailable
from kiq.store.translation import translate
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually

PASSWORD = "s3cr3t-w0rd"
MakeServer = Callable[..., TestServer]


class Work(kiq.Job, name="errors.Work"):
    def perform(self, number: int) -> None: ...


PUSHES: list[Callable[[], object]] = [
    lambda: Work.perform_async(1),
    lambda: Work.perform_in(60, 1),
    lambda: Work.perform_bulk([(1,), (2,)]),
]


def said_by(push: Callable[[], object], kind: type[StoreError]) -> str:
    with pytest.raises(kind) as raised:
        push()
    assert type(raised.value) is kind
    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in repr(raised.value.__cause__)
    return str(raised.value)


@pytest.fixture
def acl_user(server: TestServer, raw: redis.Redis) -> Iterator[str]:
    """A user of the shared server who may push but not run scripts; the host of its URL."""
    command: Any = raw.execute_command
    command(
        *("ACL", "SETUSER", "ann", "on", f">{PASSWORD}", "~*", "&*", "+@all", "-evalsha", "-script")
    )
    yield f"127.0.0.1:{server.port}/0"
    command("ACL", "DELUSER", "ann")


@pytest.mark.parametrize("push", PUSHES)
def test_a_redis_that_is_down_is_unavailable_and_named_without_its_password(
    kiq_client: kiq.Client, push: Callable[[], object]
) -> None:
    kiq.configure(redis=f"redis://ann:{PASSWORD}@127.0.0.1:1/0")
    words = said_by(push, StoreUnavailable)
    assert words.startswith("Redis can't be reached: ")
    assert "redis://ann:***@127.0.0.1:1/0" in words
    assert "is it running, and is the URL right?" in words
    assert "embedded" not in words


def test_the_error_for_the_default_url_names_the_embedded_server_as_the_way_out() -> None:
    error = translate(exceptions.ConnectionError("Connection refused."), Redis().masked_url)
    assert isinstance(error, StoreUnavailable)
    assert str(error) == (
        "Redis can't be reached: Connection refused. (Redis at redis://localhost:6379/0); "
        "start Redis, or set REDIS_URL=embedded for a private server that needs no set-up"
    )


@pytest.mark.parametrize("push", PUSHES)
def test_a_host_that_does_not_exist_is_unavailable(
    kiq_client: kiq.Client, push: Callable[[], object]
) -> None:
    kiq.configure(redis="unix:///nowhere/at/all.sock")
    assert "unix:///nowhere/at/all.sock" in said_by(push, StoreUnavailable)


@pytest.mark.parametrize("push", PUSHES)
def test_a_wrong_password_is_denied_and_not_shown(
    kiq_client: kiq.Client, acl_user: str, push: Callable[[], object]
) -> None:
    kiq.configure(redis=f"redis://ann:{PASSWORD}-not@{acl_user}")
    words = said_by(push, StoreDenied)
    assert f"redis://ann:***@{acl_user}" in words
    assert "check the user and the password" in words


@pytest.mark.bare_names
def test_a_missing_password_is_denied(
    kiq_client: kiq.Client, raw: redis.Redis, server: TestServer
) -> None:
    raw.config_set("requirepass", PASSWORD)
    try:
        kiq.configure(redis=server.tcp_url)
        assert "uthentication required" in said_by(lambda: Work.perform_async(1), StoreDenied)
        kiq.configure(redis=f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0")
        Work.perform_async(2)
    finally:
        raw.config_set("requirepass", "")
    assert [job["args"] for job in in_queue(raw)] == [[2]]


@pytest.mark.parametrize("push", PUSHES)
def test_a_user_who_may_not_run_scripts_is_denied(
    kiq_client: kiq.Client, raw: redis.Redis, acl_user: str, push: Callable[[], object]
) -> None:
    kiq.configure(redis=f"redis://ann:{PASSWORD}@{acl_user}")
    words = said_by(push, StoreDenied)
    assert "evalsha" in words
    assert raw.keys() == []


@pytest.mark.parametrize("push", PUSHES)
def test_a_full_redis_refuses_and_nothing_is_written(
    kiq_client: kiq.Client, private_server: MakeServer, push: Callable[[], object]
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    Work.perform_async(0)
    raw = server.client()
    raw.flushdb()
    raw.config_set("maxmemory", 1)
    words = said_by(push, StoreFull)
    assert "nothing was pushed" in words
    assert "raise maxmemory or drain the queues" in words
    assert raw.keys() == []
    raw.config_set("maxmemory", 0)
    push()
    assert raw.keys() != []


@pytest.mark.parametrize(
    ("broken", "push"),
    [
        ("queue:default", PUSHES[0]),
        ("queue:default", PUSHES[2]),
        ("queues", PUSHES[0]),
        ("queues", PUSHES[2]),
        ("schedule", PUSHES[1]),
    ],
)
def test_a_key_of_the_wrong_type_refuses_and_nothing_is_half_written(
    kiq_client: kiq.Client, raw: redis.Redis, broken: str, push: Callable[[], object]
) -> None:
    raw.set(broken, "something else")
    assert "WRONGTYPE" in said_by(push, StoreError)
    assert raw.keys() == [broken.encode()]
    assert raw.get(broken) == b"something else"


def test_a_broken_queue_keeps_its_old_place_in_the_set(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    raw.sadd("queues", "default")
    raw.set("queue:default", "something else")
    said_by(PUSHES[0], StoreError)
    assert raw.smembers("queues") == {b"default"}


def test_a_broken_idle_set_does_not_stop_a_push(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.set("kiq:idle:default", "no set")
    Work.perform_async(1)
    assert len(in_queue(raw)) == 1


@pytest.mark.parametrize("push", PUSHES)
def test_a_replica_is_unavailable_until_it_is_a_master(
    kiq_client: kiq.Client, private_server: MakeServer, push: Callable[[], object]
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    raw = server.client()
    raw.replicaof("127.0.0.1", "1")
    words = said_by(push, StoreUnavailable)
    assert "this Redis takes no writes now" in words
    assert "name the master in the URL" in words
    raw.replicaof("NO", "ONE")
    assert raw.keys() == []
    push()
    assert raw.keys() != []


def test_a_redis_that_was_restarted_is_found_again(
    kiq_client: kiq.Client, private_server: MakeServer
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    Work.perform_async(1)
    server.kill()
    said_by(PUSHES[0], StoreUnavailable)
    server.restart()
    Work.perform_async(2)
    assert [job["args"] for job in in_queue(server.client())] == [[2]]


def test_a_push_that_times_out_is_not_sent_again(
    kiq_client: kiq.Client, private_server: MakeServer
) -> None:
    server = private_server()
    kiq.configure(redis=Redis(url=server.url, socket_timeout=0.3))
    Work.perform_async(0)
    server.pause()
    said_by(PUSHES[0], StoreUnavailable)
    server.resume()
    raw = server.client()
    eventually(lambda: raw.llen("queue:default") == 2)
    # The reply that came late is not taken for the answer to this one.
    Work.perform_async(2)
    assert [job["args"] for job in in_queue(raw)] == [[0], [1], [2]]


def test_an_answer_that_comes_late_is_nobody_elses(
    kiq_client: kiq.Client, private_server: MakeServer
) -> None:
    server = private_server()
    kiq.configure(redis=Redis(url=server.url, socket_timeout=0.3))
    raw = server.client()
    server.pause()
    threads = [threading.Thread(target=said_by, args=(push, StoreUnavailable)) for push in PUSHES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    server.resume()
    raw.ping()
    raw.flushdb()
    Work.perform_in(60, 7)
    assert [job["args"] for _, job in scheduled(raw)] == [[7]]


@pytest.mark.parametrize("redis", ["redis://127.0.0.1:1/0", "unix:///nowhere/at/all.sock"])
@pytest.mark.parametrize(
    "push",
    [
        "work.perform_async()",
        "work.perform_in(60)",
        "work.perform_bulk([()])",
        "asyncio.run(work.aio.perform_async())",
        "kiq.push({'class': 'X', 'args': []})",
    ],
)
def test_a_push_with_redis_away_is_one_traceback_with_one_cause(redis: str, push: str) -> None:
    code = (
        "import asyncio, kiq\n"
        "work = kiq.job(name='one.traceback')(lambda: None)\n"
        f"kiq.configure(redis={redis!r})\n{push}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    lines = done.stderr.splitlines()
    assert done.stderr.count("Traceback") == 1
    assert [line for line in lines if line.startswith(("redis.", "The above", "kiq."))] == [
        lines[0],
        "The above exception was the direct cause of the following exception:",
        lines[-1],
    ]
    assert lines[0].startswith("redis.exceptions.ConnectionError: ")
    assert lines[-1].startswith("kiq.errors.StoreUnavailable: Redis can't be reached: ")
