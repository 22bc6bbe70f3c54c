"""Expiry: what comes too late is dropped, told and counted once; what runs is not cut."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import api, testing
from kiq.client import Client
from kiq.codec import decode, encode
from kiq.config import Capsule
from kiq.plugins.expiry.terms import stamp
from kiq.verdict import Dropped
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.uniques import Async, Sole, gate, holders, noted
from tests.helpers.waiting import eventually
from tests.helpers.ways_out import Heard

OUT = Capsule(queues=(("out", 1),), concurrency=2)


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    noted.clear()
    gate.clear()


def payload(raw: redis.Redis) -> dict[str, Any]:
    (found,) = raw.lrange("queue:out", 0, -1) or raw.zrange("schedule", 0, -1)
    return decode(found)[0]


def grown_old(raw: redis.Redis) -> None:
    """Let the job in the queue have been due an hour ago."""
    found, codec = decode(raw.lpop("queue:out"))
    raw.lpush("queue:out", encode({**found, "expires_at": found["expires_at"] - 3600}, codec))


def test_until_when_is_written_down_at_the_push(raw: redis.Redis, kiq_client: Client) -> None:
    Sole.set(expires_in=timedelta(seconds=60)).perform_in(100)
    found = payload(raw)
    assert found["expires_at"] == pytest.approx(found["created_at"] / 1000 + 160, abs=5)
    raw.flushdb()
    Sole.set(expires_in=60).perform_async()
    found = payload(raw)
    assert found["expires_at"] == pytest.approx(found["created_at"] / 1000 + 60, abs=5)
    raw.flushdb()
    Sole.set(expires_in=60).set(expires_in=None).perform_bulk([()])
    assert "expires_at" not in payload(raw)


@pytest.mark.needs("greenlet")
@pytest.mark.parametrize("job", [Sole, Async])
def test_what_comes_too_late_is_dropped_told_and_counted(
    job: Any,
    raw: redis.Redis,
    kiq_client: Client,
    redis_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from kiq.plugins.asyncio_jobs import AsyncJobs

    caplog.set_level(logging.INFO, "kiq.expiry")
    heard = Heard()
    kiq.host.on_settled(heard)
    kiq.host.install(AsyncJobs())
    jobs = job.set(expires_in=60, unique=True)
    jid = jobs.perform_async("a", 1)
    grown_old(raw)
    with DrivenWorker(redis_url, tmp_path, OUT, host=kiq.host):
        jobs.perform_async("b", 2)
        eventually(lambda: noted.ran == [("b", 2)], 20)
        eventually(lambda: heard.of(jid) == [Dropped], 20)
        reasons = [one.verdict.reason for one in heard.all if one.jid == jid]
        assert reasons[0].startswith("it expired, ")
        eventually(lambda: holders(raw) == [])
    assert api.expired_jobs() == {job._kiq_spec.name: 1}
    assert "too late to start" in caplog.text
    assert jids_in(raw) == []


def test_a_retry_a_scheduled_job_and_a_push_that_come_too_late_are_dropped(
    raw: redis.Redis, kiq_client: Client, redis_url: str, tmp_path: Path
) -> None:
    heard = Heard()
    kiq.host.on_settled(heard)
    brief = Sole.set(expires_in=0.001)
    retried = Sole.set(expires_in=0.5, retry=3).perform_async("retried", 1, "fails")
    scheduled = brief.perform_in(0.01, "scheduled")
    past = brief.perform_at(1.5e9, "past")  # it is due when it is pushed, and has no time to start
    with DrivenWorker(redis_url, tmp_path, OUT, host=kiq.host):
        for jid in (scheduled, past):
            eventually(lambda jid=jid: Dropped in heard.of(jid), 20)
        eventually(lambda: jids_in(raw, "retry") == [retried] or Dropped in heard.of(retried))
        for member in raw.zrange("retry", 0, -1):
            found, codec = decode(member)
            raw.zrem("retry", member)
            raw.zadd("retry", {encode({**found, "expires_at": 1.0}, codec): 1})
        # Poller and courier tell each what they have settled: in no order between them.
        eventually(lambda: Dropped in heard.of(retried), 20)
    assert {name for name, _ in noted.ran} <= {"retried"}
    assert len(noted.ran) <= 1
    assert api.expired_jobs() == {"uniques.Any": 3}
    assert jids_in(raw, "retry") == []


def test_one_that_runs_is_not_cut(
    raw: redis.Redis, kiq_client: Client, redis_url: str, tmp_path: Path
) -> None:
    Sole.set(expires_in=0.5).perform_async("a", 1, "waits")
    with DrivenWorker(redis_url, tmp_path, OUT, host=kiq.host):
        eventually(lambda: noted.ran or not jids_in(raw), 20)
        gate.set()
        eventually(lambda: int(raw.get("stat:processed") or 0) == 1, 20)
    assert api.expired_jobs() == ({} if noted.ran else {"uniques.Any": 1})


def test_in_tests_what_has_expired_does_not_run(unconfigured: None, fresh_host: kiq.Host) -> None:
    with testing.scoped("fake"):
        Sole.set(expires_in=60).perform_async("a", 1)
        Sole.set(expires_in=600).perform_async("b", 2)
        with testing.travel(timedelta(seconds=120)):
            testing.drain()
    assert noted.ran == [("b", 2)]


def test_what_is_no_span_is_refused(kiq_client: Client) -> None:
    for wrong in (0, -1, True, "1h", 2_000_000_000):
        with pytest.raises(kiq.ConfigError, match="expires_in must be"):
            Sole.set(expires_in=wrong)


def test_it_is_written_down_once() -> None:
    job: dict[str, Any] = {"class": "a.B", "expires_in": 60, "at": 5e9}
    stamp(job)
    stamp({**job, "at": 6e9})
    assert job["expires_at"] == 5e9 + 60
    job["at"] = 6e9  # it is put off
    stamp(job)
    assert job["expires_at"] == 5e9 + 60


def test_what_is_discarded_has_not_expired(
    raw: redis.Redis, kiq_client: Client, redis_url: str, tmp_path: Path
) -> None:
    heard = Heard()
    kiq.host.on_settled(heard)
    jid = Sole.set(expires_in=600).perform_async("a", 1, "discards")
    with DrivenWorker(redis_url, tmp_path, OUT, host=kiq.host):
        eventually(lambda: heard.of(jid)[-1:] == [Dropped], 20)
    assert api.expired_jobs() == {}
