"""Failures in groups: exact where all were looked at, else estimated and marked so."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.api import count_failures, failure_groups, parse_filter

NOW = time.time()  # as the module is imported: a test may come half an hour later


def failed(number: int, message: str, **more: Any) -> str:
    fields = {"class": "app.Mail", "args": [number], "jid": f"{number:024x}", "queue": "mailers"}
    fields |= {
        "error_class": "SMTPError",
        "error_message": message,
        "failed_at": time.time() - 5400,
    }
    return json.dumps({**fields, "retry_count": 0, **more})


@pytest.fixture
def store(raw: redis.Redis, kiq_client: kiq.Client) -> redis.Redis:
    return raw


def test_nothing_failed(store: redis.Redis) -> None:
    found = failure_groups()
    assert (list(found.groups), found.total, found.exact) == ([], 0, True)
    assert [each.exact for each in count_failures()] == [True]


def test_groups_of_both_sets(store: redis.Redis) -> None:
    for number in range(30):
        store.zadd("retry", {failed(number, f"no route to host {number}"): NOW + 60 + number})
    for number in range(30, 35):
        late = failed(number, f"no route to host {number}", retried_at=NOW - 60)
        store.zadd("dead", {late: NOW - 60})
    store.zadd("dead", {failed(99, "other", **{"class": "app.Report"}): NOW, b"\xff broken": NOW})
    store.zadd("retry", {json.dumps({"class": "X", "args": [], "jid": "snoozed"}): NOW})
    found = failure_groups()
    assert (found.total, found.looked_at, found.exact) == (38, 38, True)
    first, second = found.groups
    assert (first.count, first.retries, first.dead) == (35, 30, 5)
    assert first.general == "no route to host …"
    assert first.message.startswith("no route to host 3")
    assert first.first == pytest.approx(time.time() - 5400, abs=20)
    assert first.last == pytest.approx(NOW - 60, abs=0.01)
    assert first.next_at == pytest.approx(NOW + 60, abs=0.01)
    assert list(first.course)[-2:] == [30, 5]
    assert (second.class_name, second.count, second.next_at) == ("app.Report", 1, None)
    *_, exact = count_failures()
    assert [(each.key, each.count) for each in exact.groups] == [
        (each.key, each.count) for each in found.groups
    ]
    assert exact.exact


def test_a_filter_finds_a_group_and_a_group_knows_filters(store: redis.Redis) -> None:
    for number in range(3):
        store.zadd("retry", {failed(number, f"timeout after {number} s"): NOW})
    store.zadd("retry", {failed(7, "quota"): NOW})
    largest = failure_groups().groups[0]
    meant = parse_filter(f"group:{largest.key}")
    taken = [entry.error_message for entry in kiq.api.RetrySet() if meant.takes(entry, NOW)]
    assert sorted(map(str, taken)) == [f"timeout after {number} s" for number in range(3)]
    (only,) = failure_groups(wanted=parse_filter("error:quota")).groups
    assert only.count == 1


def test_of_many_a_sample_tells_about(store: redis.Redis) -> None:
    store.zadd("retry", {failed(n, f"a {n}" if n % 4 else f"b {n}"): NOW + n for n in range(4000)})
    found = failure_groups(sample=400)
    assert (found.looked_at, found.total, found.exact) == (400, 4000, False)
    often, seldom = found.groups
    assert (often.general, seldom.general) == ("a …", "b …")
    assert 2600 < often.count < 3400
    *_, exact = count_failures()
    assert [each.count for each in exact.groups] == [3000, 1000]


def test_a_sample_has_an_end_in_bytes_too(store: redis.Redis) -> None:
    store.zadd("dead", {failed(n, "large", pad="x" * 1_000_000): NOW for n in range(40)})
    found = failure_groups()
    assert 10 < found.looked_at < 30
    assert found.total == 40
    assert 35 <= found.groups[0].count <= 45
