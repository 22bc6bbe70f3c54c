"""A job that tells its progress and logs without end: what is kept of it is bounded, here and in Redis."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import attempts, job_log
from kiq.config import Capsule
from kiq.plugins.history import History
from kiq.plugins.history import keys as history
from kiq.plugins.history.capture import LONGEST, MOST
from kiq.plugins.results import keys as results
from kiq.plugins.results.plugin import ResultsPlugin
from tests.chaos.long_form import LONG
from tests.helpers.driven import DrivenWorker

CALLS = 10_000
LINES = 1_000_000 if LONG else 10_000
#: Bytes that a job may have of the worker's memory for all that it told and logged.
ROOM = 4_000_000
logger = logging.getLogger("app.without_end")


class Talks(
    kiq.Job, name="bounded.Talks", queue="out", history=True, capture_log=1000, result_ttl=60
):
    """Tells and logs."""

    def perform(self, calls: int, lines: int, width: int) -> int:
        """Tell *calls* times, log *lines* lines of *width* characters."""
        text = "é" * width
        for number in range(max(calls, lines)):
            if number < calls:
                self.progress(number + 1, calls, note=text)
            if number < lines:
                logger.info("%d %s", number, text)
        return lines


@pytest.fixture
def talker(
    redis_url: str, kiq_client: kiq.Client, fresh_host: kiq.Host, tmp_path: Path
) -> Iterator[Callable[[], DrivenWorker]]:
    fresh_host.install(History())
    fresh_host.install(ResultsPlugin())
    factory = logging.getLogRecordFactory()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield lambda: DrivenWorker(
        redis_url, tmp_path, Capsule(queues=(("out", 1),), concurrency=1), host=fresh_host
    )
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    logging.setLogRecordFactory(factory)


def size(raw: redis.Redis, key: str) -> int:
    """Return the bytes of Redis that *key* takes."""
    found: Any = raw.memory_usage(key, samples=0)
    return int(found)


@pytest.mark.bare_names  # MEMORY is asked about keys by name
@pytest.mark.timeout(600 if LONG else 60)
def test_what_a_job_tells_and_logs_without_end_is_bounded(
    raw: redis.Redis, talker: Callable[[], DrivenWorker]
) -> None:
    jid = Talks.perform_async(CALLS, LINES, 600)
    assert jid is not None
    logger.handlers[:] = [
        logging.NullHandler()
    ]  # what keeps all records of a test would be what grows
    tracemalloc.start()
    try:
        with talker():
            outcome = kiq.result(jid).wait(timeout=500)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.value == LINES
    assert outcome.progress is not None
    assert outcome.progress.done == CALLS
    lines = job_log(jid)
    assert lines is not None
    assert len(lines) <= 1001
    assert sum(map(len, lines)) <= MOST + 100
    assert max(map(len, lines)) <= LONGEST + 100
    assert any(f"{LINES - len(lines) + 1:,} lines cut" in line for line in lines)
    assert f" {LINES - 1} é" in lines[-1]
    assert len(attempts(jid)) == 1
    assert peak < ROOM, f"{peak:,} bytes"
    assert size(raw, history.log(jid)) < 2 * MOST + 10_000
    assert size(raw, history.history(jid)) < 1_000
    assert size(raw, results.result(jid)) < 5_000
    assert not raw.exists(results.progress(jid))
