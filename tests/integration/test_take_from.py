"""A worker takes from other queues than its settings name, as a service tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import ProcessSet
from kiq.client import Client
from kiq.config import Capsule
from kiq.errors import ConfigError
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

ran: list[tuple[str, int]] = []


class Note(kiq.Job):
    """Notes where it came from."""

    def perform(self, number: int) -> None:
        """Note it."""
        run = kiq.current_job()
        assert run is not None
        ran.append((run.queue, number))


@pytest.fixture
def process(redis_url: str, kiq_client: Client, tmp_path: Path) -> Iterator[Any]:
    """A worker of the queue ``first``, as a service sees it."""
    ran.clear()
    found: list[Any] = []
    host = kiq.Host()
    host.services.append(found.append)  # type: ignore[arg-type]
    capsule = Capsule(queues=(("first", 1),), concurrency=2)
    with DrivenWorker(redis_url, tmp_path, capsule, host=host) as worker:
        (it,) = found
        it.worker = worker
        yield it


def sources(raw: redis.Redis, process: Any) -> list[str]:
    """What the record of the capsule says that it may hold."""
    (courier,) = process.worker.launcher.couriers
    owner = courier._exchange.session.owner.name
    found: Any = raw.hget(keys.record(owner), "sources")
    return found.decode().split("\n") if found else []


def push(queue: str, number: int) -> None:
    Note.set(queue=queue).perform_async(number)


def test_it_takes_from_the_queues_that_it_is_told_and_redis_knows_first(
    process: Any, raw: redis.Redis
) -> None:
    push("first", 1)
    eventually(lambda: ("first", 1) in ran)
    process.take_from(["second", "first"])
    eventually(lambda: "queue:second" in sources(raw, process))
    push("second", 2)
    push("first", 3)
    eventually(lambda: {("second", 2), ("first", 3)} <= set(ran))
    assert process.taken() == {"first": 2, "second": 1}


def test_what_it_is_told_no_more_it_leaves_alone(process: Any, raw: redis.Redis) -> None:
    process.take_from(["second"])
    eventually(lambda: "queue:second" in sources(raw, process))
    push("first", 1)
    push("second", 2)
    eventually(lambda: ("second", 2) in ran)
    assert raw.llen("queue:first") == 1
    process.take_from(["first", "second"])
    eventually(lambda: ("first", 1) in ran)


def test_a_new_queue_is_woken_for_at_once(process: Any, raw: redis.Redis) -> None:
    """Its name stands with those who wait for the new queue."""
    process.take_from(["first", "new"])
    eventually(lambda: raw.scard(keys.idle("new")) == 1)
    assert raw.scard(keys.idle("first")) == 1


def test_a_process_that_was_declared_dead_knows_its_queues_under_its_next_name(
    process: Any, raw: redis.Redis
) -> None:
    process.take_from(["first", "new"])
    eventually(lambda: "queue:new" in sources(raw, process))
    (courier,) = process.worker.launcher.couriers
    name = courier._exchange.session.owner.name
    raw.delete(keys.record(name))
    push("new", 1)
    eventually(lambda: ("new", 1) in ran, 20)
    assert courier._exchange.session.owner.name != name
    assert "queue:new" in sources(raw, process)


def test_people_see_what_it_takes_from(process: Any, redis_url: str) -> None:
    process.take_from(["b", "a"])
    process.worker.launcher.heartbeat.soon()
    eventually(lambda: [one.queues for one in ProcessSet(redis_url)] == [["b", "a"]])


def test_what_can_not_be_is_refused(process: Any) -> None:
    for queues, capsule in (([], "default"), (["a"], "other"), (["\n"], "default")):
        with pytest.raises(ConfigError):
            process.take_from(queues, capsule)


def test_the_bands_of_a_new_queue_are_found_as_well(process: Any, raw: redis.Redis) -> None:
    process.take_from(["new"])
    Note.set(queue="new", priority="high").perform_async(1)
    Note.set(queue="new", priority="low").perform_async(2)
    eventually(lambda: {("new", 1), ("new", 2)} <= set(ran), 20)
    assert {"queue:new", *map(keys.queue, keys.bands("new"))} <= set(sources(raw, process))
