"""``kiq verify``: what is corrupted is found and mended, nothing is lost, and a whole Redis is clean."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kiq
from kiq import keys
from kiq.api import Connection, connection
from kiq.api.verifying import Report, verify
from kiq.codec import decode
from kiq.store import owners
from tests.helpers.commands import command

OWNER = "host:1:0123456789ab:default"
HELD = keys.inflight("queue:a", OWNER)
FAR = 4_000_000_000


@pytest.fixture
def whole(raw: redis.Redis, redis_url: str, kiq_client: kiq.Client) -> redis.Redis:
    """A database with jobs in every place, as workers would have left it."""
    fill(raw, connection(redis_url))
    return raw


def fill(raw: redis.Redis, home: Connection) -> None:
    for queue in ("a", "a", "a", "b"):
        kiq.push({"class": "X", "args": [], "queue": queue})
    for key in ("retry", "schedule", "dead"):
        kiq.push({"class": "X", "args": [], "queue": "gone"})
        raw.zadd(key, {raw.rpop("queue:gone"): FAR - 2_000_000_000})  # type: ignore[dict-item]
    home.with_link(lambda link: owners.register(link, OWNER, 60, ["queue:a"], {}))
    for number in range(2):
        kiq.push({"class": "X", "args": [number], "queue": "a"})
        raw.hset(HELD, f"1.{number}", raw.rpop("queue:a"))  # type: ignore[arg-type]
    raw.set("stat:processed", 5)


def jids(raw: redis.Redis) -> list[str]:
    """The jobs of the database, once for each place that they are in."""
    held = [value for key in raw.keys("kiq:inflight:*") for value in raw.hvals(key)]
    queued = [
        value
        for key in raw.keys("queue:*")
        if raw.type(key) == b"list"
        for value in raw.lrange(key, 0, -1)
    ]
    sets = [value for key in ("retry", "schedule", "dead") for value in raw.zrange(key, 0, -1)]
    found = []
    for value in (*held, *queued, *sets):
        try:
            found.append(str(decode(value)[0]["jid"]))
        except kiq.PayloadError:
            found.append(repr(value))
    return sorted(found)


def checks(report: Report) -> list[str]:
    return sorted(finding.check for finding in report.findings)


Corrupt = Callable[[redis.Redis], object]


def twice_in_a_queue(raw: redis.Redis) -> None:
    raw.lpush("queue:b", raw.lindex("queue:b", -1))  # type: ignore[arg-type]


def queued_and_retried(raw: redis.Redis) -> None:
    raw.zadd("retry", {raw.lindex("queue:a", 0): 5})  # type: ignore[dict-item]


def in_flight_and_queued(raw: redis.Redis) -> None:
    raw.rpush("queue:a", raw.hget(HELD, "1.0"))  # type: ignore[arg-type]


def no_record(raw: redis.Redis) -> None:
    raw.delete(keys.record(OWNER))


def unlisted(raw: redis.Redis) -> None:
    raw.srem(keys.OWNERS, OWNER)


def ghost(raw: redis.Redis) -> None:
    raw.sadd(keys.OWNERS, "ghost:1:ffffffffffff:default")


def queue_unlisted(raw: redis.Redis) -> None:
    raw.srem("queues", "b")


def junk_in_retry(raw: redis.Redis) -> None:
    raw.zadd("retry", {b"\xc1junk": 5})


def reasons_of_nothing(raw: redis.Redis) -> None:
    raw.hset(keys.DEAD_REASON, "0" * 40, "why")


def suspects_of_a_wrong_type(raw: redis.Redis) -> None:
    raw.set(keys.SUSPECTS, "text")


def sources_forgotten(raw: redis.Redis) -> None:
    if raw.exists(keys.record(OWNER)):  # else what stays would be no record of anybody
        raw.hset(keys.record(OWNER), "sources", "queue:other")


MENDABLE: dict[str, Corrupt] = {
    "in-two-places": twice_in_a_queue,
    "in-two-places ": queued_and_retried,
    "in-two-places  ": in_flight_and_queued,
    "in-flight-without-owner": no_record,
    "owner-unlisted": unlisted,
    "owner-without-record": ghost,
    "queue-unlisted": queue_unlisted,
    "unreadable": junk_in_retry,
    "stale-reasons": reasons_of_nothing,
    "wrong-type": suspects_of_a_wrong_type,
    "source-unlisted": sources_forgotten,
}


def test_a_whole_database_is_clean(whole: redis.Redis) -> None:
    report = verify()
    assert report.findings == ()
    assert report.unknown == ()
    assert report.clean
    assert report.jobs == 9


@pytest.mark.parametrize("check", MENDABLE)
def test_a_corruption_is_found_and_mended(whole: redis.Redis, check: str) -> None:
    MENDABLE[check](whole)
    before = set(jids(whole))
    found = verify()
    assert checks(found) == [check.strip()]
    assert not found.clean
    assert set(jids(whole)) == before  # looking changes nothing
    mended = verify(mend=True)
    assert mended.clean
    assert all(finding.mended for finding in mended.findings)
    assert set(jids(whole)) == before
    assert len(jids(whole)) == len(before)
    assert verify().findings == ()


@pytest.mark.bare_names
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(sorted(MENDABLE)), unique=True, min_size=2))
def test_any_corruptions_together_are_mended_and_nothing_is_lost(
    raw: redis.Redis, kiq_client: kiq.Client, redis_url: str, several: list[str]
) -> None:
    raw.flushdb()
    fill(raw, connection(redis_url))
    for check in several:
        MENDABLE[check](raw)
    before = set(jids(raw))
    assert not verify().clean
    for _ in range(4):  # what one mends, another may have hidden
        if verify(mend=True).findings == ():
            break
    assert verify().findings == ()
    assert set(jids(raw)) == before
    assert len(jids(raw)) == len(before)


def never_due(raw: redis.Redis) -> None:
    raw.zadd("schedule", {json.dumps({"class": "X", "args": [], "jid": "f"}): "inf"})


def counter(raw: redis.Redis) -> None:
    raw.set("stat:processed", "many")


def record_incomplete(raw: redis.Redis) -> None:
    raw.hdel(keys.record(OWNER), "lease")


def different_copies(raw: redis.Redis) -> None:
    raw.zadd("retry", {json.dumps({"class": "X", "args": [1], "jid": jids(raw)[0]}): 1})


@pytest.mark.parametrize(
    ("check", "corrupt"),
    [
        ("never-due", never_due),
        ("counter", counter),
        ("record-incomplete", record_incomplete),
        ("in-two-places", different_copies),
    ],
)
def test_what_only_people_can_mend_is_told_and_left_alone(
    whole: redis.Redis, check: str, corrupt: Corrupt
) -> None:
    corrupt(whole)
    before = jids(whole)
    report = verify(mend=True)
    assert checks(report) == [check]
    assert not report.clean
    assert report.findings[0].do
    assert jids(whole) == before


def test_what_a_feature_keeps_is_looked_at_too(whole: redis.Redis, fresh_host: kiq.Host) -> None:
    there = jids(whole)[0]

    def look(survey: kiq.plugin.Survey) -> Any:
        for jid in survey.call(("SMEMBERS", "locks")):
            if not survey.knows(jid.decode()):
                mend = ("SREM", "locks", jid)
                yield kiq.plugin.Doubt(f"lock {jid.decode()}", "its job is nowhere", mend)

    fresh_host.checks.append(kiq.plugin.Check("locks", look))
    home = connection()
    home.call(("SADD", "locks", there))
    assert verify().clean
    home.call(("SADD", "locks", "nobody"))
    assert [finding.where for finding in verify().findings] == ["lock nobody"]
    assert verify(mend=True).clean
    assert home.call(("SMEMBERS", "locks")) == [there.encode()]


def test_a_check_that_raises_is_told(whole: redis.Redis, fresh_host: kiq.Host) -> None:
    fresh_host.checks.append(kiq.plugin.Check("broken", lambda _: 1 // 0))
    report = verify()
    assert report.clean
    assert "broken: ZeroDivisionError" in report.unknown[0]


def test_the_command_says_what_it_found_and_mended(
    command_store: redis.Redis, redis_url: str
) -> None:
    fill(command_store, connection(redis_url))
    clean = command("verify")
    assert (clean.code, clean.lines[-1]) == (
        0,
        "9 jobs and 10 keys looked at: all is as it must be",
    )
    queue_unlisted(command_store)
    found = command("verify")
    assert found.code == 1
    assert "queue-unlisted  queue b" in found.out
    assert "kiq verify --mend can mend 1 of them, and loses nothing" in found.out
    mended = command("verify", "--mend")
    assert mended.code == 0
    assert "-> mended: listed it" in mended.out
    assert json.loads(command("verify", "--json").out)["clean"] is True
