"""Queues that have a limit in the whole fleet, set in the configuration file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

import kiq
from kiq.plugins import queue_limits
from kiq.plugins.declared import QueueLimitSettings
from tests.helpers.driven import DrivenWorker
from tests.helpers.limited import Limited, noted
from tests.helpers.waiting import eventually

SLOTS = "kiq:queue-limit:out"


@pytest.mark.parametrize("wrong", ["mailers", "mailers 0", "mailers x", " 5"])
def test_what_is_no_limit_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be a queue and a number, as in 'mailers 5'"):
        QueueLimitSettings((wrong,))


def test_a_queue_has_one_limit() -> None:
    assert QueueLimitSettings(("a b 5", "low 2")).by_queue() == {"a b": 5, "low": 2}
    with pytest.raises(ValueError, match="'low' has two limits"):
        QueueLimitSettings(("low 1", "low 2"))


def test_no_more_of_a_queue_run_than_its_limit_and_what_is_over_is_freed(
    limited_worker: Callable[..., DrivenWorker],
    raw: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_limits, "_REST", 0.1)
    kiq.host.install(queue_limits.QueueLimits())
    raw.sadd(SLOTS, "host:1:x:default 7.1")  # of nobody
    Limited.perform_bulk([(number, "a", "takes time") for number in range(12)])
    with limited_worker(6, queue_limits=("out 2",)):
        eventually(lambda: len(noted.began) == 12, 30)
        eventually(lambda: not raw.exists(SLOTS), 10)
    assert noted.most <= 2
