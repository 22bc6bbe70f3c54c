"""kiq.api's connection: Redis goes away, somebody presses Ctrl-C, a process forks, threads share it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import Queue, RetrySet, Stats, connection
from kiq.errors import StoreUnavailable
from tests.helpers.server import TestServer


def test_redis_that_is_away_is_said_so_and_found_again(
    private_server: Callable[..., TestServer],
) -> None:
    server = private_server()
    queue = Queue("work", server.url)
    assert queue.size == 0
    server.kill()
    for call in (queue.pause, lambda: queue.size, lambda: list(queue), queue.clear):
        with pytest.raises(StoreUnavailable):
            call()
    server.restart()
    assert queue.pause()


def test_after_ctrl_c_nobody_reads_the_answer_that_was_waited_for(
    raw: redis.Redis, redis_url: str
) -> None:
    home = connection(redis_url)
    assert home.call(("PING",)) == b"PONG"
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            home.call(("BLPOP", "nothing", 3))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    raw.rpush("nothing", "late")
    assert home.call(("ECHO", "mine")) == b"mine"


def test_a_forked_child_has_a_connection_of_its_own(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raw.lpush("queue:work", *range(3))
    queue = Queue("work")
    assert queue.size == 3
    child = os.fork()
    if child == 0:
        os._exit(queue.size)
    assert queue.size == 3
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert (queue.size, Stats().enqueued) == (3, 0)


def test_threads_share_it(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.zadd("retry", {b'{"class":"X","args":[%d],"jid":"j%d"}' % (n, n): n for n in range(50)})
    jobs = RetrySet()

    def look(number: int) -> str:
        found = jobs.find(f"j{number}")
        return found.jid if found else ""

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(look, range(50))) == [f"j{n}" for n in range(50)]


def test_the_reader_of_a_feature_stands_on_it_as_the_page_says(
    raw: redis.Redis, redis_url: str
) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "plugins.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(# depths_seen.py\n.*?)```", page, re.DOTALL)
    module: dict[str, Any] = {}
    exec(code, module)  # noqa: S102 (it is our own page)
    assert module["greatest"]("default", redis_url) == 0
    raw.hset("depths:greatest", "default", 7)
    assert module["greatest"]("default", redis_url) == 7
