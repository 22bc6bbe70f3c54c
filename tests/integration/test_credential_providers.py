"""A credential provider whose service is away: the same as Redis being away, with the cause."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.credentials import CredentialProvider

import kiq
from kiq.api import Queue
from kiq.client import process_client
from kiq.config import Redis
from kiq.plugins.push_buffer import PushBuffer
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually


class Work(kiq.Job, name="credentials.Work"):
    def perform(self, number: int) -> None: ...


class Tokens(CredentialProvider):
    """Raises *trouble* while there is any; else gives the credentials of anybody."""

    def __init__(self, trouble: BaseException | None) -> None:
        self.trouble = trouble

    def get_credentials(self) -> Any:
        if self.trouble is not None:
            raise self.trouble
        return ("default", "")


TROUBLES: list[Exception] = [
    RuntimeError("no token to be had"),
    OSError("no token to be had"),
    TimeoutError("no token to be had"),
    KeyError("no token to be had"),
    redis.ConnectionError("no token to be had"),
]


def of_client(server: TestServer, tokens: Tokens) -> Any:
    return redis.Redis(port=server.port, credential_provider=tokens)


def of_settings(server: TestServer, tokens: Tokens) -> Any:
    return Redis(url=server.tcp_url, options={"credential_provider": tokens})


async def _pushed() -> str | None:
    return await Work.aio.perform_async(1)


PUSHES: list[Callable[[], object]] = [
    lambda: Work.perform_async(1),
    lambda: Work.perform_in(60, 1),
    lambda: Work.perform_bulk([(1,), (2,)]),
    lambda: asyncio.run(_pushed()),
    lambda: kiq.push({"class": "X", "args": []}),
]


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: type(each).__name__)
def test_a_push_meets_what_the_provider_raises_as_redis_away(
    kiq_client: kiq.Client, server: TestServer, trouble: Exception, push: Callable[[], object]
) -> None:
    kiq.configure(redis=of_client(server, Tokens(trouble)))
    with pytest.raises(kiq.StoreUnavailable, match="no token to be had") as raised:
        push()
    assert raised.value.__cause__ is trouble
    assert not raised.value.maybe_done
    assert "nothing was pushed" in str(raised.value)


@pytest.mark.bare_names
@pytest.mark.parametrize("make", [of_client, of_settings])
def test_the_next_push_asks_again(
    kiq_client: kiq.Client, raw: redis.Redis, server: TestServer, make: Callable[..., Any]
) -> None:
    tokens = Tokens(RuntimeError("away"))
    kiq.configure(redis=make(server, tokens))
    with pytest.raises(kiq.StoreUnavailable):
        Work.perform_async(1)
    tokens.trouble = None
    jid = Work.perform_async(2)
    assert [job["jid"] for job in in_queue(raw)] == [jid]


@pytest.mark.bare_names
def test_the_push_buffer_keeps_jobs_meanwhile(
    kiq_client: kiq.Client, raw: redis.Redis, server: TestServer
) -> None:
    tokens = Tokens(RuntimeError("away"))
    kiq.configure(redis=of_client(server, tokens), push_buffer=10)
    jids = [Work.perform_async(number) for number in range(3)]
    assert None not in jids
    assert in_queue(raw) == []
    tokens.trouble = None
    eventually(lambda: [job["jid"] for job in in_queue(raw)] == jids)
    eventually(lambda: all(each.name != "kiq-push-buffer" for each in threading.enumerate()))
    buffer = process_client().sender
    assert isinstance(buffer, PushBuffer)
    buffer.close()


def test_whoever_looks_is_told_the_same(kiq_client: kiq.Client, server: TestServer) -> None:
    kiq.configure(redis=of_client(server, Tokens(RuntimeError("no token to be had"))))
    with pytest.raises(kiq.StoreUnavailable, match="RuntimeError: no token to be had"):
        _ = Queue("default").size


def test_an_interruption_in_the_provider_stays_one(
    kiq_client: kiq.Client, server: TestServer
) -> None:
    kiq.configure(redis=of_client(server, Tokens(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        Work.perform_async(1)
