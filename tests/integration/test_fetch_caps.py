"""Features say how many jobs of a queue may be taken now."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.config import Capsule
from tests.helpers.depot import Depot, numbered, waiting
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"

released = threading.Event()
at_work: set[str] = set()
most_at_once: list[int] = []


class Held(kiq.Job, queue="few"):
    def perform(self, name: str) -> None:
        at_work.add(name)
        most_at_once.append(sum(each.startswith("few") for each in at_work))
        released.wait(10)
        at_work.discard(name)


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    released.clear()
    at_work.clear()
    most_at_once.clear()
    yield
    released.set()


@pytest.fixture
def depot(raw: redis.Redis, redis_url: str) -> Depot:
    made = Depot(redis_url, "host:1:abc:default", "queue:a", "queue:b")
    made.push("a", numbered(10))
    made.push("b", numbered(10, 100))
    return made


@pytest.mark.parametrize("strict", [True, False])
def test_a_fetch_takes_no_more_of_a_queue_than_it_may(
    depot: Depot, raw: redis.Redis, strict: bool
) -> None:
    fetched = depot.fetch(15, "a", "b", strict=strict, most={"a": 3})
    assert fetched.counts == [3, 10]
    assert fetched.empty == [True, strict or fetched.empty[1]]
    assert len(waiting(raw, "a")) == 7


@pytest.mark.parametrize("strict", [True, False])
def test_none_at_all_leaves_it_alone(depot: Depot, strict: bool) -> None:
    assert depot.fetch(20, "a", "b", strict=strict, most={"a": 0, "b": 0}).counts == [0, 0]
    assert depot.fetch(20, "a", "b", strict=strict, most={"a": 100}).counts == [10, 10]


def of_the_page() -> Any:
    (text,) = re.findall(r"```python\n(# few\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    page: dict[str, Any] = {"__name__": "page"}
    exec(text, page)  # noqa: S102 (our own page)
    return page["Few"]()


def test_what_the_page_caps_is_never_more_and_holds_up_no_other_queue(
    raw: redis.Redis, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    capsule = Capsule(queues=(("few", 5), ("many", 1)), concurrency=6)
    worker = DrivenWorker(redis_url, tmp_path, capsule)
    worker._host.install(of_the_page())
    with worker:
        for number in range(6):
            Held.perform_async(f"few {number}")
        eventually(lambda: len(at_work) == 2, 10, message="two run")
        for number in range(3):
            Held.set(queue="many").perform_async(f"many {number}")
        eventually(lambda: len(at_work) == 5, 10, message="the others run beside them")
        assert raw.llen("queue:few") == 4
        released.set()
        eventually(lambda: int(raw.getrange("stat:processed", 0, -1) or 0) == 9, 10)
    assert max(most_at_once) == 2


def test_of_several_caps_the_least_counts_and_none_below_nothing(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    seen: list[tuple[str, Mapping[str, int]]] = []

    def closed(capsule: str, held: Mapping[str, int]) -> dict[str, int]:
        seen.append((capsule, dict(held)))
        return {"few": -1, "elsewhere": 5}

    worker = DrivenWorker(redis_url, tmp_path, Capsule(queues=(("few", 1), ("many", 1))))
    worker._host.cap_fetches(lambda capsule, held: {"few": 7})
    worker._host.cap_fetches(closed)
    with worker:
        Held.perform_async("few 1")
        Held.set(queue="many").perform_async("many 1")
        eventually(lambda: at_work == {"many 1"}, 10)
        eventually(lambda: ("default", {"few": 0, "many": 1}) in seen, 10)
        assert raw.llen("queue:few") == 1
        released.set()
