"""The page of the locks of unique jobs: whose they are, and freeing them."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import kiq
import kiq.web
from kiq.api import LockSet
from kiq.plugins.unique import keys
from tests.helpers.uniques import by_name
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def pages(redis_url: str, kiq_client: kiq.Client) -> Browser:
    return Browser(application(redis_url))


def push(*names: str) -> list[Any]:
    jobs = by_name()
    return [jobs.perform_async(name, 1) for name in names]


def test_nothing_is_there(pages: Browser) -> None:
    assert "No lock is held" in pages.get("/locks").text


def test_a_lock_is_shown_and_freed_and_its_job_stays(pages: Browser, raw: redis.Redis) -> None:
    first, second = push("a", "b")
    text = pages.get("/locks").text
    assert text.count('<tr id="lock-') == 2
    assert f"/jobs/{first}" in text
    assert text.index(first) < text.index(second), "the oldest first"
    told = pages.press(f"/locks?q={second}", "Free").text
    assert f"the lock of {second} is free" in told
    assert [lock.jid for lock in LockSet()] == [first]
    assert raw.llen("queue:out") == 2
    assert push("b") != [second], "another of its like can be pushed"


def test_what_has_gone_on_meanwhile_is_not_freed(pages: Browser) -> None:
    (first,) = push("a")
    (lock,) = LockSet()
    form = {"name": lock.name, "jid": "another", "moved": lock.moved}
    told = pages.get(pages.post("/locks/free", form).headers["Location"]).text
    assert "was not freed" in told
    assert [lock.jid for lock in LockSet()] == [first]


def test_all_are_freed_after_a_page_that_asks(pages: Browser, raw: redis.Redis) -> None:
    push(*(f"n{number}" for number in range(30)))
    raw.zadd(keys.LOCKS, {"gone": 1})  # over, and not tidied up yet
    asked = pages.get("/locks/all").text
    assert "Free 31 locks?" in asked
    assert "kiq locks --free --all" in asked
    told = pages.press("/locks/all", "Free 31 locks").text
    assert "freed 30 locks" in told
    assert list(LockSet()) == []
    assert raw.llen("queue:out") == 30


def test_pages_of_many_and_a_search(pages: Browser) -> None:
    jids = push(*(f"n{number:02}" for number in range(30)))
    assert pages.get("/locks").text.count('<tr id="lock-') == 25
    behind = LockSet().page().behind
    assert behind is not None
    assert [lock.jid for lock in LockSet().page(behind).found] == jids[25:]
    assert pages.get(f"/locks?q={jids[29]}").text.count('<tr id="lock-') == 1
    assert "Nothing matches" in pages.get("/locks?q=nowhere").text
    assert pages.get("/locks?from=nowhere").status_code == 404


def test_names_are_escaped_and_a_broken_lock_hides_no_other(
    pages: Browser, raw: redis.Redis
) -> None:
    fields = {"jid": EVIL, "class": EVIL, "queue": EVIL, "lock": EVIL, "since": "x", "moved": EVIL}
    raw.hset(keys.lock(EVIL), mapping=fields)
    raw.zadd(keys.LOCKS, {EVIL: 5, "other": 6})
    raw.hset(keys.lock("other"), mapping={**fields, "jid": b"\xff", "since": "nan"})
    push("a")
    text = pages.get("/locks").text
    assert text.count('<tr id="lock-') == 3
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_a_reader_is_offered_nothing(redis_url: str, kiq_client: kiq.Client) -> None:
    push("a")
    reader = Browser(application(redis_url, kiq.web.everyone("operator")))
    text = reader.get("/locks").text
    assert ">Free" not in text
    assert reader.get("/locks/all").status_code == 403
    assert reader.post("/locks/free", {}).status_code == 403
