"""Profiles in Redis: kept as Sidekiq keeps them, bounded, and read back."""

from __future__ import annotations

import gzip
import json
import threading
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.api import ProfileSet
from kiq.config import Config
from kiq.config import Redis as RedisSettings
from kiq.errors import UndecodablePayload
from kiq.plugins.profiling import keeping
from kiq.plugins.profiling.keeping import Profiled, keep
from kiq.plugins.profiling.plugin import Profiling
from kiq.plugins.profiling.recording import Recording
from kiq.registry import Registry
from kiq.store.connection import Connector, Link
from kiq.work.worker import Worker

pytestmark = pytest.mark.needs("pyinstrument")


@pytest.fixture
def link(redis_url: str) -> Link:
    return Connector(RedisSettings(url=redis_url)).open()


@pytest.fixture(scope="module")
def recording() -> Recording:
    made = Recording()
    threading.Event().wait(0.02)
    made.stop()
    return made


def test_a_profile_is_what_sidekiqs_web_ui_reads(
    raw: redis.Redis, link: Link, recording: Recording
) -> None:
    assert keep(link, Profiled("tok", "abc", "HardWorker", recording)) == ""
    ((name, expires),) = raw.zrange("profiles", 0, -1, withscores=True)  # type: ignore[misc]
    assert name == b"tok-abc"
    assert abs(expires - time.time() - 86_400) < 60
    assert 86_300 < raw.ttl("tok-abc") <= 86_400  # type: ignore[operator]
    found: Any = raw.hgetall("tok-abc")
    assert {key.decode() for key in found} == {
        *("started_at", "token", "type", "jid", "filename", "elapsed", "data", "size")
    }
    assert (found[b"token"], found[b"type"], found[b"jid"]) == (b"tok", b"HardWorker", b"abc")
    assert int(found[b"started_at"]) == int(recording.started_at)
    assert 0.02 <= float(found[b"elapsed"]) < 5
    assert int(found[b"size"]) == len(found[b"data"])
    assert json.loads(gzip.decompress(found[b"data"]))["threads"]


@pytest.mark.bare_names
def test_the_next_run_of_a_job_replaces_it(
    raw: redis.Redis, link: Link, recording: Recording
) -> None:
    for job_class in ("First", "Second"):
        keep(link, Profiled("tok", "abc", job_class, recording))
    (profile,) = ProfileSet(raw)
    assert profile.job_class == "Second"


def test_the_newest_hundred_are_kept(
    raw: redis.Redis, link: Link, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", 3)
    now = [time.time()]
    monkeypatch.setattr(keeping, "wall", lambda: now[0])
    for number in range(5):
        now[0] += 1
        keep(link, Profiled("tok", f"{number}", "HardWorker", recording))
    assert raw.zrange("profiles", 0, -1) == [b"tok-2", b"tok-3", b"tok-4"]
    assert not raw.exists("tok-0", "tok-1")


def test_nothing_else_that_has_its_key_is_overwritten(
    raw: redis.Redis, link: Link, recording: Recording
) -> None:
    raw.set("tok-text", "mine")
    raw.hset("tok-hash", "mine", "1")
    for jid in ("text", "hash"):
        assert "taken" in keep(link, Profiled("tok", jid, "HardWorker", recording))
    assert raw.get("tok-text") == b"mine"
    assert raw.hgetall("tok-hash") == {b"mine": b"1"}
    assert not raw.exists("profiles")


def test_one_that_is_too_large_is_not_kept(
    raw: redis.Redis, link: Link, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LARGEST", 100)
    assert "bytes" in keep(link, Profiled("tok", "abc", "HardWorker", recording))
    assert raw.keys() == []


def test_profiles_are_found_read_and_deleted(
    raw: redis.Redis, kiq_client: kiq.Client, link: Link, recording: Recording
) -> None:
    for jid in ("abc", "def"):
        keep(link, Profiled("tok", jid, "HardWorker", recording))
    profiles = ProfileSet()
    assert len(profiles) == 2
    assert {each.key for each in profiles} == {"tok-abc", "tok-def"}
    found = profiles.find("tok-abc")
    assert found
    assert (found.token, found.jid, found.job_class) == ("tok", "abc", "HardWorker")
    assert found.filename == "tok-abc.json.gz"
    assert found.started_at.timestamp() == int(recording.started_at)
    data = found.data()
    assert data
    assert len(data) == found.size
    assert found.document() == json.loads(gzip.decompress(data))
    assert found.delete()
    assert not found.delete()
    assert found.data() is found.document() is None
    assert profiles.find("tok-abc") is None
    assert len(profiles) == 1


@pytest.mark.bare_names
def test_at_the_end_it_waits_for_what_is_still_to_be_kept(
    raw: redis.Redis, redis_url: str, recording: Recording
) -> None:
    host = kiq.Host()
    host.install(Profiling())
    settings = RedisSettings(url=redis_url)
    worker = Worker(Config(redis=settings), host, Registry(), Connector(settings), "0")
    (make,) = host.services
    recordings: Any = make(worker)
    for number in range(8):
        recordings._waiting.put_nowait(Profiled("tok", f"{number}", "HardWorker", recording))
    recordings._start_thread()
    recordings.exit()
    assert len(ProfileSet(raw)) == 8


def test_those_that_have_expired_are_gone(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.zadd("profiles", {"old": time.time() - 1, "lost": time.time() + 50})
    profiles = ProfileSet()
    assert len(profiles) == 1
    assert list(profiles) == []
    assert raw.zrange("profiles", 0, -1) == [b"old", b"lost"], "looking writes nothing"
    assert profiles


@pytest.mark.parametrize(
    "data", [b"", b"junk", gzip.compress(b"junk"), gzip.compress(b"[" * 200_000)], ids=range(4)
)
def test_data_that_is_no_profile_is_an_error_of_its_own(
    raw: redis.Redis, kiq_client: kiq.Client, data: bytes
) -> None:
    raw.zadd("profiles", {"tok-abc": time.time() + 50})
    raw.hset("tok-abc", mapping={"token": "tok", "data": data, "size": "x", "elapsed": "\xff"})
    (profile,) = ProfileSet()
    assert (profile.size, profile.elapsed, profile.jid) == (0, 0.0, "")
    with pytest.raises(UndecodablePayload):
        profile.document()
