"""``kiq.cancel``: what it finds, deletes and marks."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.config import Redis as RedisSettings
from kiq.errors import PayloadError, StoreError, StoreUnavailable
from kiq.plugins.cancelling import marks
from kiq.plugins.cancelling.marks import LIFE, Ledger, mark
from kiq.store.connection import Connector

pytestmark = pytest.mark.usefixtures("kiq_client")
JID = "5d1c7a52e6ad1ab1f5a1a0d8"


class Later(kiq.Job):
    def perform(self) -> None: ...


def marked(raw: redis.Redis) -> dict[str, float]:
    found: Any = raw.zrange(keys.CANCELLED, 0, -1, withscores=True)
    return {member.decode(): score for member, score in found}


def job(jid: str, **fields: Any) -> str:
    return json.dumps({"class": "X", "args": [], "jid": jid, "queue": "default", **fields})


@pytest.mark.parametrize(("key", "place"), [("schedule", "scheduled"), ("retry", "retry")])
def test_a_job_in_a_sorted_set_is_deleted_alone(raw: redis.Redis, key: str, place: str) -> None:
    raw.zadd(key, {job(JID): 2e9, job("other"): 2e9, job("third", note=JID): 2e9})
    assert kiq.cancel(JID) == place
    left = {json.loads(member)["jid"] for member in raw.zrange(key, 0, -1)}  # type: ignore[union-attr]
    assert left == {"other", "third"}
    assert kiq.cancel(JID) == "waiting or running"


def test_a_job_that_is_pushed_for_later_is_cancelled_by_its_jid(raw: redis.Redis) -> None:
    jid = Later.perform_in(3600)
    assert jid is not None
    assert kiq.cancel(jid) == "scheduled"
    assert raw.zcard("schedule") == 0


def test_a_job_in_a_queue_is_marked_for_a_week_and_stays(raw: redis.Redis) -> None:
    jid = kiq.push({"class": "X", "args": [], "queue": "default"})
    assert jid is not None
    assert kiq.cancel(jid) == "waiting or running"
    assert raw.llen("queue:default") == 1
    now = int(raw.time()[0])  # type: ignore[index]
    assert marked(raw)[jid] == pytest.approx(now + LIFE, abs=5)
    assert raw.ttl(keys.CANCELLED) == -1  # a full Redis might evict it


def test_a_dead_job_stays_where_it_is(raw: redis.Redis) -> None:
    raw.zadd("dead", {job(JID): 1e9})
    assert kiq.cancel(JID) == "waiting or running"
    assert raw.zcard("dead") == 1


def test_workers_are_told(raw: redis.Redis) -> None:
    listener = raw.pubsub()
    listener.subscribe("kiq:bell:cancel")
    assert listener.get_message(timeout=5)
    kiq.cancel(JID)
    message = listener.get_message(timeout=5)
    assert message is not None
    assert message["type"] == "message"
    listener.close()


def test_the_state_of_an_iterable_job_says_so_too_once(raw: redis.Redis) -> None:
    raw.hset(f"it-{JID}", mapping={"ex": 1, "c": "5", "rt": "0.5"})
    kiq.cancel(JID)
    first = raw.hget(f"it-{JID}", "cancelled")
    assert first is not None
    assert int(first) == pytest.approx(int(raw.time()[0]), abs=5)  # type: ignore[arg-type, index]
    raw.hset(f"it-{JID}", "cancelled", 7)
    kiq.cancel(JID)
    assert raw.hget(f"it-{JID}", "cancelled") == b"7"


def test_a_state_that_was_not_there_is_not_made(raw: redis.Redis) -> None:
    kiq.cancel(JID)
    assert not raw.exists(f"it-{JID}")


def test_a_state_of_the_wrong_type_is_left_alone(raw: redis.Redis) -> None:
    raw.set(f"it-{JID}", "odd")
    kiq.cancel(JID)
    assert raw.get(f"it-{JID}") == b"odd"
    assert JID in marked(raw)


@pytest.mark.parametrize(
    "jid", ["*", "[a-z]*", "?", "\\", "a b", "é", "x" * 1000, "\r\n", '"', "0"]
)
def test_a_hostile_jid_hits_no_other_job(raw: redis.Redis, jid: str) -> None:
    raw.zadd("schedule", {job(JID): 2e9, job("other"): 2e9})
    assert kiq.cancel(jid) == "waiting or running"
    assert raw.zcard("schedule") == 2
    assert set(marked(raw)) == {jid}


@pytest.mark.parametrize("jid", ["", "x" * 1001, "\udcff", 5, None, b"abc", ["a"]])
def test_what_is_no_jid_is_refused(raw: redis.Redis, jid: Any) -> None:
    with pytest.raises(PayloadError):
        kiq.cancel(jid)
    assert not raw.exists(keys.CANCELLED)


def test_marks_that_count_no_more_are_dropped_and_the_newest_are_kept(
    raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(raw.time()[0])  # type: ignore[index]
    raw.zadd(keys.CANCELLED, {"expired": now - 1, "old": now + 10, "newer": now + 20})
    monkeypatch.setattr(marks, "MOST", 2)
    kiq.cancel(JID)
    assert set(marked(raw)) == {"newer", JID}


def test_an_error_of_redis_is_raised(raw: redis.Redis) -> None:
    raw.set(keys.CANCELLED, "no sorted set")
    with pytest.raises(StoreError):
        kiq.cancel(JID)


def test_redis_away_is_an_error_and_not_a_promise() -> None:
    with pytest.raises(StoreUnavailable):
        kiq.cancel(JID, RedisSettings(url="redis://127.0.0.1:1/0"))


def read(url: str, ledger: Ledger, everything: bool) -> set[str]:
    link = Connector(RedisSettings(url=url)).open()
    try:
        return ledger.read(link.exchange(ledger.commands(everything)), everything)
    finally:
        link.close()


def test_a_ledger_reads_what_is_new_and_forgets_what_counts_no_more(
    raw: redis.Redis, redis_url: str
) -> None:
    ledger = Ledger()
    assert read(redis_url, ledger, True) == set()
    kiq.cancel("a")
    kiq.cancel("b")
    assert read(redis_url, ledger, False) == {"a", "b"}
    assert read(redis_url, ledger, False) == set()
    kiq.cancel("c")
    assert read(redis_url, ledger, False) == {"c"}
    raw.zadd(keys.CANCELLED, {"a": 1})
    assert read(redis_url, ledger, False) == set()
    assert ledger.known.keys() == {"a", "b", "c"}
    assert read(redis_url, ledger, True) == set()
    assert ledger.known.keys() == {"b", "c"}


def test_a_ledger_takes_any_bytes_for_a_jid(raw: redis.Redis, redis_url: str) -> None:
    raw.zadd(keys.CANCELLED, {b"\xff\x00": math.inf, b"": 4e9, b"fine": 4e9})
    assert "fine" in read(redis_url, Ledger(), True)


def test_a_mark_is_one_command() -> None:
    assert mark(JID)[0] == "EVAL"
