"""A push on a real server: where it lands, what it costs, whom it wakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually


class Work(kiq.Job, name="push.Work", queue="work"):
    def perform(self, number: int) -> None: ...


def calls(raw: redis.Redis, command: str) -> int:
    stats: Any = raw.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


def test_a_push_adds_the_queue_to_the_set_and_the_job_at_the_head(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    first, second = Work.perform_async(1), Work.perform_async(2)
    assert raw.smembers("queues") == {b"work"}
    assert raw.llen("queue:work") == 2
    assert [job["jid"] for job in in_queue(raw, "work")] == [first, second]
    assert sorted(raw.keys()) == [b"queue:work", b"queues"]


def test_a_scheduled_push_writes_the_scheduled_set_only(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    jid = Work.perform_at(4_000_000_000.123456, 1)
    ((score, payload),) = scheduled(raw)
    assert (score, payload["jid"]) == (4_000_000_000.123456, jid)
    assert raw.keys() == [b"schedule"]


@pytest.mark.parametrize(
    "push",
    [
        lambda: Work.perform_async(1),
        lambda: Work.perform_in(60, 1),
        lambda: Work.set(queue="other").perform_async(1),
        lambda: kiq.push({"class": "X", "args": []}),
    ],
)
def test_a_push_is_one_round_trip(
    raw: redis.Redis, kiq_client: kiq.Client, server: TestServer, push: Callable[[], object]
) -> None:
    with CountingProxy(server.port) as proxy:
        kiq.configure(redis=proxy.url)
        push()  # connects, and loads the scripts
        before = proxy.round_trips
        for _ in range(10):
            push()
        assert proxy.round_trips - before == 10


def test_a_push_is_one_command_even_with_every_queue_new(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    Work.perform_async(1)
    before = {name: calls(raw, name) for name in ("evalsha", "script|load", "lpush", "sadd")}
    for number in range(10):
        Work.set(queue=f"q{number}").perform_async(1)
    after = {name: calls(raw, name) for name in before}
    assert {name: after[name] - before[name] for name in before} == {
        "evalsha": 10,
        "script|load": 0,
        "lpush": 10,
        "sadd": 10,
    }


def test_a_server_that_forgot_the_scripts_is_given_them_again(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    Work.perform_async(1)
    raw.script_flush()
    Work.perform_async(2)
    Work.perform_in(60, 3)
    assert [job["args"] for job in in_queue(raw, "work")] == [[1], [2]]
    assert len(scheduled(raw)) == 1


def test_a_push_wakes_one_owner_that_waits_for_the_queue(
    raw: redis.Redis, kiq_client: kiq.Client, server: TestServer
) -> None:
    listener: Any = server.client().pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe("kiq:bell:here")
    assert listener.get_message(timeout=5) is not None
    raw.sadd("kiq:idle:work", "here", "gone")
    for number in range(3):
        Work.perform_async(number)
    message = eventually(lambda: listener.get_message(timeout=0.1))
    assert message["channel"] == b"kiq:bell:here"
    assert raw.smembers("kiq:idle:work") == set()
    listener.close()


def test_a_new_earliest_due_time_wakes_the_poller_and_a_later_one_does_not(
    raw: redis.Redis, kiq_client: kiq.Client, server: TestServer
) -> None:
    listener: Any = server.client().pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe("kiq:bell:poller")
    assert listener.get_message(timeout=5) is not None

    def rings() -> int:
        raw.publish("kiq:bell:poller", "end")  # whatever was rung before has come by then
        heard = 0
        while eventually(lambda: listener.get_message(timeout=0.1))["data"] != b"end":
            heard += 1
        return heard

    Work.perform_in(600, 1)
    assert rings() == 1
    Work.perform_in(900, 2)
    assert rings() == 0
    Work.perform_in(60, 3)
    assert rings() == 1
    listener.close()


def test_a_large_payload_arrives_whole(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    text = "é" * 4_000_000
    kiq.push({"class": "X", "args": [text]})
    assert in_queue(raw)[0]["args"] == [text]
