"""A job is found wherever it is, and what is nowhere is said to be nowhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, given, settings

import kiq
from kiq import keys
from kiq.api import Asked, DeadSet, Explainer, Known, Queue, RetrySet, Slice, find, search
from kiq.errors import ConfigError, StoreError
from tests.helpers.living import hold, owner_of, show_process

WORKER = "web-1:4711:8d0c54f1a2b3"
INFO = {"hostname": "web-1", "pid": 4711, "queues": ["default"], "concurrency": 2}
INFO |= {"capsules": {"default": {"concurrency": 2}}}


def payload(jid: str, name: str = "Mail", **more: Any) -> str:
    fields = {"class": name, "args": ["bob"], "queue": "default", "jid": jid}
    return json.dumps({**fields, **more})


def pushed(client: kiq.Client, **more: Any) -> str:
    return str(client.push({"class": "Mail", "args": ["bob"], **more}))


def test_a_job_that_waits_is_found_with_how_many_go_before_it(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    jids = [pushed(kiq_client, queue="low") for _ in range(5)]
    found = find(jids[3])
    assert (found.where, found.queue, found.before) == ("waiting", "low", 3)
    assert found.record is not None
    assert found.record.args == ["bob"]
    raw.rpop("queue:low")
    assert find(jids[3]).before == 2


def test_a_queue_longer_than_a_slice_is_looked_through(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    raw.sadd("queues", "default")
    raw.lpush("queue:default", *(payload(f"{n:024x}") for n in range(2500)))
    for number in (0, 1, 999, 1000, 1001, 2499):
        assert find(f"{number:024x}").before == number


def test_a_job_of_megabytes_takes_a_slice_of_its_own(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    raw.sadd("queues", "default")
    for number in range(4):
        raw.lpush("queue:default", payload(f"{number:024x}", more="x" * 1_500_000))
    assert find(f"{0:024x}").before == 0


def test_a_jid_within_another_jobs_arguments_is_not_that_job(kiq_client: kiq.Client) -> None:
    jid = pushed(kiq_client)
    for _ in range(3):
        pushed(kiq_client, args=[jid])
    assert find(jid).before == 0
    assert find(jid[:10]).where == "nowhere"


@pytest.mark.parametrize(
    ("key", "where"), [("retry", "retrying"), ("schedule", "scheduled"), ("dead", "dead")]
)
def test_a_job_of_a_set_is_found_with_its_moment(
    kiq_client: kiq.Client, raw: redis.Redis, key: str, where: str
) -> None:
    raw.zadd(key, {payload("a" * 24): 1234.5, payload("b" * 24): 1234.5})
    found = find("a" * 24)
    assert (found.where, found.score, found.queue) == (where, 1234.5, "default")
    assert found.record is not None
    assert found.record.jid == "a" * 24


def test_what_a_process_has_runs_as_far_as_it_has_threads(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    show_process(raw, WORKER, INFO)
    jids = [f"{n:024x}" for n in range(4)]
    hold(raw, WORKER, "default", *map(payload, jids))
    shown = {"queue": "default", "payload": payload(jids[1]), "run_at": 1700}
    raw.hset(f"{WORKER}:work", "k0b", json.dumps(shown))
    found = [find(jid) for jid in jids]
    assert [one.where for one in found] == ["running", "running", "fetched", "fetched"]
    assert [one.process for one in found] == [WORKER] * 4
    assert (found[1].thread, found[1].since) == ("k0b", 1700)
    assert (found[0].thread, found[0].since) == ("", None)
    assert found[2].owner == owner_of(WORKER)


def test_a_job_on_its_way_from_a_set_is_found(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    show_process(raw, WORKER, INFO)
    raw.hset(keys.record(owner_of(WORKER)), "sources", "retry\nschedule")
    raw.hset(keys.inflight("retry", owner_of(WORKER)), "1.1", "17.5|" + payload("a" * 24))
    found = find("a" * 24)
    assert (found.where, found.score, found.queue) == ("promoting", 17.5, "default")


def test_a_process_that_is_being_given_back_still_has_its_jobs(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    show_process(raw, WORKER, INFO)
    hold(raw, WORKER, "default", payload("a" * 24))
    raw.rename(keys.record(owner_of(WORKER)), keys.lapsed(owner_of(WORKER)))
    raw.delete(WORKER)
    assert (find("a" * 24).where, find("a" * 24).process) == ("fetched", WORKER)


def test_what_ruby_runs_is_found(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.sadd("processes", "ruby:1:a")
    raw.hset("ruby:1:a", mapping={"info": json.dumps({"hostname": "ruby"}), "beat": time.time()})
    raw.expire("ruby:1:a", 60)
    shown = {"queue": "default", "payload": payload("a" * 24), "run_at": 1700}
    raw.hset("ruby:1:a:work", "t1", json.dumps(shown))
    found = find("a" * 24)
    assert (found.where, found.process, found.since) == ("running", "ruby:1:a", 1700)


def test_what_is_nowhere_is_said_to_be_nowhere(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    found = find("f" * 24)
    assert not found
    assert (found.where, found.record, found.ended) == ("nowhere", None, "")
    with pytest.raises(ConfigError, match="empty"):
        find("")


def test_a_key_of_a_wrong_type_hides_nothing_else(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.set("retry", "no set")
    raw.sadd("queues", "odd")
    raw.set("queue:odd", "no list")
    jid = pushed(kiq_client, queue="zzz")
    found = find(jid)
    assert found.where == "waiting"
    assert any("WRONGTYPE" in line for line in found.unknown)


def test_features_say_what_they_know_and_one_that_breaks_hides_no_other(
    kiq_client: kiq.Client, fresh_host: kiq.Host
) -> None:
    def breaks(asked: Asked) -> Iterator[Known]:
        raise StoreError("refused")

    def knows(asked: Asked) -> Iterator[Known]:
        yield Known(f"second, {asked.where}", 20.0, "done")
        yield Known("first", 10.0)

    fresh_host.explainers += [Explainer("broken", knows=breaks), Explainer("good", knows=knows)]
    found = find("f" * 24)
    assert [one.text for one in found.known] == ["first", "second, nowhere"]
    assert found.ended == "done"
    assert found.unknown == ("broken: refused",)


def everything(**like: Any) -> list[str]:
    """All jids that are like that, slice by slice, as small as can be."""
    part = search(**like, limit=1, look_at=1)
    jids = [one.jid for one in part.found]
    while part.cursor is not None:
        part = search(**like, limit=1, look_at=1, cursor=part.cursor)
        jids += [one.jid for one in part.found]
    return jids


def test_jobs_are_looked_for_by_what_they_are_like(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    away = {"error_class": "ConnectionError", "error_message": "smtp is away"}
    raw.zadd("retry", {payload("1", **away): 1, payload("2", "Report"): 2})
    raw.zadd("schedule", {payload("3", tags=["vip", "x"]): 1})
    raw.zadd("dead", {payload("4", error_class="KeyError", error_message="é"): 1, b"\xffbroken": 2})
    raw.sadd("queues", "default", "low")
    raw.lpush("queue:default", payload("5", tags="vip"), payload("6"))
    raw.lpush("queue:low", payload("7", queue="low"))
    show_process(raw, WORKER, INFO)
    hold(raw, WORKER, "default", payload("8", tags=["vip"]))
    assert everything(tag="vip") == ["3", "8"]
    assert everything(error="smtp is") == ["1"]
    assert everything(error="KeyError: é") == ["4"]
    assert everything(job_class="Report") == ["2"]
    assert everything(queue="low") == ["7"]
    assert everything(job_class="Mail", queue="default") == ["1", "3", "6", "5", "8", "4"]
    assert everything(text='"jid": "6"') == ["6"]
    assert [one.where for one in search(text="bob").found] == [
        *("retrying", "retrying", "scheduled"),
        *("waiting", "waiting", "waiting", "fetched", "dead"),
    ]


def test_what_can_not_be_looked_for_is_refused(kiq_client: kiq.Client) -> None:
    with pytest.raises(ConfigError, match="empty"):
        search(text="")
    for wrong in ("elsewhere", "1++:3 x", ":3 x"):
        with pytest.raises(ConfigError, match="no cursor"):
            search(text="x", cursor=wrong)
    with pytest.raises(ConfigError, match="no cursor"):
        search(text="x", cursor="elsewhere")
    assert search(text="x") == Slice([], None, search(text="x").looked_at)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["retry", "schedule", "dead", "default", "low"]), max_size=30))
def test_every_job_is_found_where_it_was_put_and_once_by_its_likeness(
    kiq_client: kiq.Client, raw: redis.Redis, places: list[str]
) -> None:
    raw.flushdb()
    raw.sadd("queues", "default", "low")
    for number, place in enumerate(places):
        text = payload(f"{number:024x}")
        if place in ("default", "low"):
            raw.lpush(f"queue:{place}", text)
        else:
            raw.zadd(place, {text: number % 3})
    assert sorted(everything(job_class="Mail")) == [f"{n:024x}" for n in range(len(places))]
    for number, place in enumerate(places):
        found = find(f"{number:024x}")
        key = {"retrying": "retry", "scheduled": "schedule", "waiting": found.queue}
        assert key.get(found.where, found.where) == place
        if found.where == "waiting":
            assert found.before == places[:number].count(place)


def test_what_was_found_can_be_handled(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    jid = pushed(kiq_client)
    raw.zadd("retry", {payload("a" * 24): 1})
    waiting, retrying = find(jid).record, find("a" * 24).record
    assert waiting.delete()  # type: ignore[union-attr]
    assert retrying.kill()  # type: ignore[union-attr]
    assert (Queue("default").size, RetrySet().size, DeadSet().size) == (0, 0, 1)


def test_a_job_of_another_band_is_found_in_its_queue_wherever_it_is(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    normal, high = pushed(kiq_client), pushed(kiq_client, priority="high")
    assert [(find(jid).queue, find(jid).before) for jid in (high, normal)] == [
        ("default", 0),
        ("default", 0),
    ]
    assert find(high).record.band == "high"  # type: ignore[union-attr]
    ((key,),) = [[key for key in raw.keys("queue:*") if key != b"queue:default"]]
    band = key.decode().removeprefix("queue:")
    show_process(raw, WORKER, {**INFO, "queues": ["default", band]})
    hold(raw, WORKER, band, raw.rpop(key))  # type: ignore[arg-type]
    found = find(high)
    assert (found.where, found.queue) == ("running", "default")
