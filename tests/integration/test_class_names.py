"""Processes tell which job classes they know, and ``kiq why`` says where a class is unknown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

import kiq
from kiq.api import ProcessSet, why
from kiq.client import Client
from kiq.config import Capsule
from kiq.plugins.class_names import ClassNames, keys
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually


@pytest.fixture
def work(kiq_client: Client, redis_url: str, tmp_path: Path) -> Callable[[], DrivenWorker]:
    """Make a worker of the queue "names"."""

    class Known(kiq.Job, name="names.Known", aliases=["names.Old"], queue="names"):
        def perform(self) -> None: ...

    kiq.host.install(ClassNames())
    capsule = Capsule(queues=(("names", 1),), concurrency=1)
    return lambda: DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)


def codes(jid: str) -> dict[str, bool]:
    return {one.code: one.stops for one in why(jid).reasons}


def test_a_class_that_no_process_knows_is_named_with_what_may_be_meant(
    work: Callable[[], DrivenWorker], raw: redis.Redis, kiq_client: Client
) -> None:
    def pushed(name: str) -> str:
        return str(kiq_client.push({"class": name, "args": [], "queue": "names"}))

    raw.sadd("paused", "names")
    jids = {name: pushed(name) for name in ("names.Known", "names.Old", "names.Knwon")}
    with work():
        eventually(lambda: raw.keys("kiq:class-names:*"), message="the names are told")
        (process,) = ProcessSet()
        key = keys.names(process.info["classes"])
        assert raw.sismember(key, "names.Known")
        assert 0 < raw.ttl(key) <= keys.LIFE  # type: ignore[operator]
        assert codes(jids["names.Known"]) == {"paused": True} | {
            code: False for code in codes(jids["names.Known"]) if code != "paused"
        }
        assert "class_unknown" not in codes(jids["names.Old"])
        answer = why(jids["names.Knwon"])
        (unknown,) = [one for one in answer.reasons if one.code == "class_unknown"]
        assert unknown.stops
        assert "did you mean names.Known" in unknown.text
        raw.hset(process.identity, "info", "{}")  # as one that does not tell
        assert "class_unknown" not in codes(jids["names.Knwon"])
