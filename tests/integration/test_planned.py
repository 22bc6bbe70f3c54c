"""A bulk act that is planned first: what it means is frozen, and said before."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, RetrySet, ScheduledSet, carry_out, parse_filter, plan

NOW = time.time()
ALL = parse_filter("")


def failed(number: int, at: float = NOW - 60, **more: Any) -> str:
    fields = {"class": "app.Mail", "args": [], "jid": f"{number:024x}", "queue": "mailers"}
    fields |= {"error_class": "OSError", "error_message": "no route", "failed_at": at}
    return json.dumps({**fields, "retry_count": 0, **more})


@pytest.fixture
def store(raw: redis.Redis, kiq_client: kiq.Client) -> redis.Redis:
    for number in range(250):
        more = {"class": "app.Report", "queue": "reports"} if number % 5 == 0 else {}
        raw.zadd("retry", {failed(number, **more): NOW + number})
    return raw


def test_it_says_what_it_would_come_to(store: redis.Redis) -> None:
    planned = plan(RetrySet(), "retry", parse_filter("class:Mail"), NOW, within=30)
    assert (planned.count, planned.done, planned.size, planned.looked_at) == (200, True, 250, 250)
    assert planned.classes == {"app.Mail": 200}
    assert planned.queues == {"mailers": 200}
    assert [entry.jid[-2:] for entry in planned.examples] == ["01", "02", "03", "04", "06"]
    assert store.zcard("retry") == 250
    everything = plan(RetrySet(), "delete", ALL, NOW, within=30)
    assert (everything.count, everything.classes["app.Report"]) == (250, 50)
    assert plan(DeadSet(), "delete", ALL, NOW).count == 0


def test_it_says_when_it_has_not_looked_at_all(store: redis.Redis) -> None:
    planned = plan(RetrySet(), "retry", parse_filter("class:Mail"), NOW, within=0)
    assert not planned.done
    assert 0 < planned.count < planned.looked_at < 250


@pytest.mark.parametrize("deed", ["retry", "kill", "delete"])
def test_what_fails_after_the_plan_is_left_alone(store: redis.Redis, deed: Any) -> None:
    store.zadd("retry", {failed(900, NOW + 5): NOW - 5, failed(901, retried_at=NOW + 5): NOW + 7})
    done = carry_out(RetrySet(), deed, parse_filter("class:Mail"), NOW)
    assert done == 200
    left = [entry for entry in RetrySet() if entry.class_name == "app.Mail"]
    assert sorted(entry.jid[-3:] for entry in left) == ["384", "385"]
    counts = {"retry": store.llen("queue:mailers"), "kill": store.zcard("dead"), "delete": 200}
    assert counts[deed] == 200


def test_what_was_made_after_the_plan_is_left_alone(store: redis.Redis) -> None:
    for jid, made in (("old", NOW - 5), ("new", NOW + 5)):
        job = {"class": "A", "args": [], "jid": jid, "queue": "q", "created_at": made}
        store.zadd("schedule", {json.dumps(job): NOW + 99})
    assert carry_out(ScheduledSet(), "delete", ALL, NOW) == 1
    assert [entry.jid for entry in ScheduledSet()] == ["new"]


def test_it_can_be_stopped_and_says_how_far_it_came(store: redis.Redis) -> None:
    seen = []

    def once(looked_at: int, total: int, handled: int) -> bool:
        seen.append((looked_at, total, handled))
        return False

    assert carry_out(RetrySet(), "delete", ALL, NOW, once) == 100
    assert seen == [(100, 250, 100)]
    assert store.zcard("retry") == 150


def test_filters_choose_in_every_bulk_call(store: redis.Redis) -> None:
    retries = RetrySet()
    assert len(list(retries.select(wanted="class:Report"))) == 50
    assert retries.delete_all(wanted=parse_filter("class:Report")) == 50
    assert retries.kill_all(wanted="class:Mail retries=1 age>30s") == 200
    with pytest.raises(kiq.ConfigError, match="a filter does not know"):
        retries.retry_all(wanted="klass:Mail")
