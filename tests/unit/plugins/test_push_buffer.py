"""The push buffer on a Redis inside this process: what is kept, when, how much, in which order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest

import kiq
from kiq import keys
from kiq.client import process_client
from kiq.errors import ConfigError, StoreError, StoreUnavailable
from kiq.plugins.push_buffer import PushBuffer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually

FAR = 4_000_000_000.0


class Work(kiq.Job, name="buffer.Work"):
    def perform(self, number: int) -> None: ...


class Outage:
    """A fake Redis that can be taken away, and a producer that keeps five jobs meanwhile."""

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer()
        self.redis = fakeredis.FakeRedis(server=self._server)
        kiq.configure(redis=self.redis, push_buffer=5)

    def begin(self) -> None:
        self._server.connected = False

    def end(self) -> None:
        self._server.connected = True

    @property
    def numbers(self) -> list[int]:
        return [job["args"][0] for job in in_queue(self.redis)]


@pytest.fixture
def outage(unconfigured: None, fresh_host: kiq.Host) -> Iterator[Outage]:
    made = Outage()
    yield made
    made.end()
    buffer = process_client().sender
    if isinstance(buffer, PushBuffer):
        buffer.close()
    assert not trying()


def trying() -> bool:
    return any(thread.name == "kiq-push-buffer" for thread in threading.enumerate())


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_without_the_option_an_outage_is_the_callers(unconfigured: None) -> None:
    server = fakeredis.FakeServer()
    kiq.configure(redis=fakeredis.FakeRedis(server=server))
    server.connected = False
    with pytest.raises(StoreUnavailable):
        Work.perform_async(1)
    assert not trying()


def test_a_push_with_the_option_leaves_a_token_and_starts_no_thread(
    outage: Outage,
) -> None:
    jid = Work.perform_async(1)
    assert [job["jid"] for job in in_queue(outage.redis)] == [jid]
    ((_, used),) = outage.redis.zrange(keys.PUSHED, 0, -1, withscores=True)
    assert used == pytest.approx(time.time(), abs=10)
    assert outage.redis.ttl(keys.PUSHED) == -1  # a Redis that evicts would push a second time
    assert not trying()


def test_tokens_of_an_hour_ago_go_when_others_come(outage: Outage) -> None:
    now = time.time()
    old = {f"old {number}": now - 3610 - number for number in range(15)}
    outage.redis.zadd(keys.PUSHED, {**old, "young": now - 3500})
    Work.perform_async(1)
    left = outage.redis.zrange(keys.PUSHED, 0, -1)
    assert len(left) == 5 + 1 + 1
    assert b"young" in left
    Work.perform_async(2)
    assert not [token for token in outage.redis.zrange(keys.PUSHED, 0, -1) if b"old" in token]


def test_jobs_of_an_outage_are_pushed_in_order_after_it(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kiq.client")
    Work.perform_async(0)
    outage.begin()
    jids = [Work.perform_async(1), *Work.perform_bulk([(2,), (3,)]), Work.perform_async(4)]
    assert None not in jids
    (warning,) = messages(caplog, logging.WARNING)
    assert "meanwhile up to 5 jobs are kept" in warning
    outage.end()
    eventually(lambda: not trying())
    assert outage.numbers == [0, 1, 2, 3, 4]
    assert [job["jid"] for job in in_queue(outage.redis)][1:] == jids
    assert messages(caplog, logging.INFO)[-1] == (
        "Redis answers again: the 4 jobs that were kept have been pushed"
    )
    assert not messages(caplog, logging.ERROR)


def test_scheduled_jobs_are_kept_too(outage: Outage) -> None:
    outage.begin()
    Work.perform_at(FAR, 1)
    Work.perform_bulk([(2,), (3,)], at=[FAR + 1, FAR + 2])
    outage.end()
    eventually(lambda: not trying())
    assert [(at, job["args"]) for at, job in scheduled(outage.redis)] == [
        (FAR, [1]),
        (FAR + 1, [2]),
        (FAR + 2, [3]),
    ]


def test_what_does_not_fit_is_raised_whole_and_said_to_be_unpushed(outage: Outage) -> None:
    outage.begin()
    Work.perform_bulk([(1,), (2,), (3,)])
    with pytest.raises(StoreUnavailable, match="the buffer of 5 jobs is full") as raised:
        Work.perform_bulk([(4,), (5,), (6,)])
    assert len(raised.value.jids) == 3
    assert not raised.value.maybe_done
    Work.perform_bulk([(7,), (8,)])
    with pytest.raises(StoreUnavailable, match="nothing was pushed"):
        Work.perform_async(9)
    outage.end()
    eventually(lambda: not trying())
    assert outage.numbers == [1, 2, 3, 7, 8]
    outage.begin()
    Work.perform_bulk([(n,) for n in range(10, 15)])  # there is room again
    outage.end()
    eventually(lambda: not trying())
    assert outage.numbers[5:] == [10, 11, 12, 13, 14]


def test_a_first_push_that_is_larger_than_the_buffer_is_raised_and_keeps_nothing(
    outage: Outage,
) -> None:
    outage.begin()
    with pytest.raises(StoreUnavailable, match="the buffer of 5 jobs is full"):
        Work.perform_bulk([(n,) for n in range(6)])
    assert not trying()
    outage.end()
    Work.perform_async(7)
    assert outage.numbers == [7]


def test_a_push_while_redis_is_away_wakes_the_thread_that_looks(outage: Outage) -> None:
    outage.begin()
    Work.perform_async(1)
    began = time.monotonic()
    # It looks at once, after 0.5, 1.5 and 3.5 seconds, and then not before 7.5.
    eventually(lambda: time.monotonic() - began > 4, 10, message="it looks less and less often")
    outage.end()
    pushed = [2]

    def push_again() -> bool:
        if len(pushed) < 4:
            pushed.append(pushed[-1] + 1)
            Work.perform_async(pushed[-1])
        return len(outage.numbers) == len(pushed)

    eventually(push_again, 2, interval=0.5)


def test_what_redis_refuses_is_raised_as_ever_and_never_kept(outage: Outage) -> None:
    outage.redis.set("queue:default", "no list")
    with pytest.raises(StoreError, match="WRONGTYPE") as raised:
        Work.perform_async(1)
    assert not raised.value.maybe_done
    assert not trying()
    assert outage.redis.keys() == [b"queue:default"]  # the token was given back


def test_a_kept_job_that_redis_refuses_stays_holds_up_nobody_and_goes_later(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    outage.redis.set("queue:default", "no list")
    outage.begin()
    Work.perform_async(1)
    Work.set(queue="other").perform_async(2)
    outage.end()
    eventually(lambda: messages(caplog, logging.ERROR))
    assert "WRONGTYPE" in messages(caplog, logging.ERROR)[0]
    assert len(in_queue(outage.redis, "other")) == 1
    Work.set(queue="other").perform_async(3)
    with pytest.raises(StoreError, match="WRONGTYPE"):
        Work.perform_async(4)
    assert len(in_queue(outage.redis, "other")) == 2
    outage.redis.delete("queue:default")
    eventually(lambda: not trying(), 15)
    assert outage.numbers == [1]


def test_a_stopping_worker_pushes_what_is_kept_and_keeps_no_more(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    outage.begin()
    jid = Work.perform_async(1)
    kiq.host.events.emit("exit", kiq.host.report)
    (lost,) = messages(caplog, logging.ERROR)
    assert "buffer.Work" in lost
    assert f"jid={jid}" in lost
    with pytest.raises(StoreUnavailable, match="this process ends"):
        Work.perform_async(2)


@pytest.mark.parametrize("number", [-1, True, 1.5, "many", 1_000_001])
def test_a_size_that_is_none_is_refused(unconfigured: None, number: Any) -> None:
    with pytest.raises(ConfigError, match="push_buffer must be a whole number from 0 to 1000000"):
        kiq.configure(push_buffer=number)


def test_the_environment_wins(
    unconfigured: None, fresh_host: kiq.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fakeredis.FakeRedis()
    monkeypatch.setenv("KIQ_PUSH_BUFFER", "7")
    kiq.configure(redis=fake, push_buffer=0)
    assert isinstance(process_client().sender, PushBuffer)
    monkeypatch.setenv("KIQ_PUSH_BUFFER", "0")
    kiq.configure(push_buffer=7)
    assert not isinstance(process_client().sender, PushBuffer)
    monkeypatch.setenv("KIQ_PUSH_BUFFER", "some")
    kiq.configure()
    with pytest.raises(ConfigError, match=r"KIQ_PUSH_BUFFER: .*not some"):
        Work.perform_async(1)
