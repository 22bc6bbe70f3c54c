"""With ``sidekiq: 7`` or 6 all that kiq writes has the form that those versions of Ruby's read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import testing
from kiq.api import Metrics, RetrySet, WorkSet
from kiq.client import default_client
from kiq.codec import decode, encode
from kiq.config import Config
from kiq.errors import ConfigError
from kiq.payload import count_seconds, moment
from kiq.plugin import Host
from kiq.registry import JobSpec, Registry
from kiq.verdict import Flight, Permit, Taken, ToDead, ToRetry
from kiq.work.executor import Executor
from tests.helpers.commands import command
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

RUBY_7 = {"created_at": 1795293240.8127646, "enqueued_at": 1795293240.8129}
RUBY_8 = {"created_at": 1795293240812, "enqueued_at": 1795293240813}


class Counted(kiq.Job, name="seconds.Counted"):
    def perform(self, *numbers: Any) -> None: ...


def is_seconds(stamp: object) -> bool:
    """Whether *stamp* is a float of the last seconds, as ``Time.now.to_f`` is."""
    return type(stamp) is float and 0 <= time.time() - stamp < 10


def is_milliseconds(stamp: object) -> bool:
    return type(stamp) is int and 0 <= time.time() * 1000 - stamp < 10_000


# --- pushes


@pytest.fixture(params=[6, 7])
def wire(request: pytest.FixtureRequest, raw: redis.Redis, kiq_client: kiq.Client) -> redis.Redis:
    kiq.configure(codec="json", sidekiq=request.param)
    return raw


def test_every_way_to_push_writes_seconds(wire: redis.Redis) -> None:
    Counted.perform_async(1)
    Counted.perform_bulk([(2,), (3,)])
    kiq.push({"class": "Ruby::Job", "args": []})
    kiq.push_bulk({"class": "Ruby::Job"}, [[4]])
    Counted.perform_in(60, 5)
    Counted.perform_bulk([(6,)], at=time.time() + 60)
    pushed = in_queue(wire)
    assert len(pushed) == 5
    assert all(is_seconds(job["created_at"]) for job in pushed)
    assert all(is_seconds(job["enqueued_at"]) for job in pushed)
    later = [job for _, job in scheduled(wire)]
    assert len(later) == 2
    assert all(is_seconds(job["created_at"]) and "enqueued_at" not in job for job in later)


def test_layers_that_take_a_time_away_or_bring_one_change_nothing(wire: redis.Redis) -> None:
    @kiq.host.around_push
    def meddle(context: kiq.ClientContext, call_next: Any) -> Any:
        del context.payload["created_at"]
        context.payload["failed_at"] = RUBY_8["created_at"]
        return call_next(context)

    Counted.perform_async(1)
    (job,) = in_queue(wire)
    assert is_seconds(job["created_at"])
    assert job["failed_at"] == 1795293240.812


def test_times_that_are_given_are_written_in_seconds(wire: redis.Redis) -> None:
    kiq.push({"class": "X", "args": [], **RUBY_8})
    kiq.push({"class": "X", "args": [], **RUBY_7})
    first, second = in_queue(wire)
    assert first["created_at"] == 1795293240.812
    assert second["created_at"] == RUBY_7["created_at"]


async def push_from_asyncio() -> None:
    await Counted.aio.perform_async(1)
    await Counted.aio.perform_bulk([(2,)])


def test_asyncio_code_writes_seconds_too(wire: redis.Redis) -> None:
    asyncio.run(push_from_asyncio())
    assert all(is_seconds(job["created_at"]) for job in in_queue(wire))
    assert len(in_queue(wire)) == 2


def test_other_producers_write_milliseconds(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    for settings in ({"codec": "json"}, {"codec": "msgpack", "sidekiq": 7}):
        kiq.configure(**settings)  # type: ignore[arg-type]
        Counted.perform_async(1)
    for job in in_queue(raw):
        assert is_milliseconds(job["created_at"])
        assert is_milliseconds(job["enqueued_at"])


def test_a_client_of_its_own_has_the_setting(raw: redis.Redis, redis_url: str) -> None:
    kiq.Client(redis.Redis.from_url(redis_url), codec="json", sidekiq=7).push(
        {"class": "X", "args": []}
    )
    assert is_seconds(in_queue(raw)[0]["created_at"])


def test_the_variable_and_the_file_set_it(
    raw: redis.Redis, kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text("codec: json\nsidekiq: 7\n")
    kiq.configure(file)
    assert default_client().sidekiq == 7
    monkeypatch.setenv("KIQ_SIDEKIQ", "6")
    kiq.configure()
    assert default_client().sidekiq == 6


@pytest.mark.parametrize("version", [5, 9, "7.3", 7.0, True, "seven", None])
def test_another_version_is_refused(unconfigured: None, version: Any) -> None:
    if version is None:
        kiq.configure(sidekiq=None)
        return
    with pytest.raises(ConfigError, match="sidekiq must be a whole number from 6 to 8"):
        kiq.configure(sidekiq=version)


def test_the_command_writes_seconds(
    command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIQ_SIDEKIQ", "7")
    monkeypatch.setenv("KIQ_CODEC", "json")
    assert command("push", "Ruby::Job", "1").code == 0
    assert is_seconds(in_queue(command_store)[0]["enqueued_at"])


def test_tests_see_the_times_that_would_be_written(unconfigured: None) -> None:
    kiq.configure(codec="json", sidekiq=7)
    with testing.scoped("fake"):
        Counted.perform_in(60, 1)
        (job,) = testing.jobs()
        assert is_seconds(job.payload["created_at"])
        testing.assert_enqueued(Counted)
        assert testing.drain() == 1


# --- a Ruby of another version beside it


def ruby(store: redis.Redis, version: str | None) -> None:
    """Show a Ruby server as Sidekiq of that *version* does; 6 tells none."""
    info = {"hostname": "app", "pid": 7, "queues": ["rubys"], "identity": "app:7:abc"}
    if version is not None:
        info["version"] = version
    now = time.time()
    fields = {"info": json.dumps(info), "busy": 0, "beat": now, "quiet": "false", "concurrency": 5}
    store.hset("app:7:abc", mapping=fields)
    store.sadd("processes", "app:7:abc")


def test_the_application_of_a_worker_may_set_it(alone: Site) -> None:
    alone.write(
        "app.py",
        'import kiq\n\nkiq.configure(codec="json", sidekiq=7)\n\n\n'
        "@kiq.job(name='Chain')\ndef chain(): kiq.push({'class': 'Rb', 'args': [], 'queue': 'rb'})\n",
    )
    alone.client.push({"class": "Chain", "args": []})
    worker = alone.run("-r", "app").wait_until_ready()
    worker.says("sidekiq: 7 (kiq.configure(...))")
    eventually(lambda: alone.count("queue:rb") == 1, 10)
    assert is_seconds(in_queue(alone.store, "rb")[0]["created_at"])
    assert worker.stop() == 0


VERSIONS = [(None, 6), ("7.3.2", 7), ("8.1.7", 8), ("9.0.0", 8), ("nonsense", 6)]


@pytest.mark.parametrize(("version", "fits"), VERSIONS)
def test_a_worker_that_writes_for_another_version_says_so(
    alone: Site, version: str | None, fits: int
) -> None:
    ruby(alone.store, version)
    for sidekiq in (7, 8):
        worker = alone.start(KIQ_CODEC="json", KIQ_SIDEKIQ=str(sidekiq))
        assert worker.stop() == 0
        warnings = [line for line in worker.lines if f"Set sidekiq: {fits}" in line]
        assert len(warnings) == (sidekiq != fits), worker.log
        assert all("app:7:abc" in line for line in warnings)


@pytest.mark.parametrize(("version", "fits"), VERSIONS)
def test_the_doctor_says_so_too(
    command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch, version: str | None, fits: int
) -> None:
    ruby(command_store, version)
    monkeypatch.setenv("KIQ_CODEC", "json")
    for sidekiq in (6, 7, 8):
        monkeypatch.setenv("KIQ_SIDEKIQ", str(sidekiq))
        found = command("doctor", "--json").document["findings"]
        advice = [each["do"] for each in found if each["check"] == "sidekiq-version"]
        expected = f"set sidekiq: {fits} in every kiq process and producer"
        assert advice == ([] if sidekiq == fits else [expected])


# --- what became of a job


def fate(payload: dict[str, Any], config: Config, codec: kiq.config.Codec = "json") -> Any:
    """Let a run of *payload* fail; return what is written, or what a death handler saw."""
    registry, host = Registry(), Host()

    def boom(*_: Any) -> None:
        raise ValueError("no")

    seen: list[dict[str, Any]] = []
    host.on_death(lambda job, _error: seen.append(job))
    registry.add(JobSpec("A", {}, (), boom, None))
    whole = {"class": "A", "args": [], "jid": "j", "queue": "default", **payload}
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), encode(whole, codec), 0.0)
    taken.suspicion = 3 if payload.get("pill") else 0
    verdict = Executor(config, host, registry)(taken)
    return decode(verdict.raw)[0] if isinstance(verdict, ToRetry | ToDead) else seen[0]


FAILURES: dict[str, dict[str, Any]] = {
    "failed_at": {},
    "retried_at": {"retry_count": 0},
    "discarded_at": {"retry": False},
}


@pytest.mark.parametrize("field", FAILURES)
@pytest.mark.parametrize("sidekiq", [6, 7, 8])
@pytest.mark.parametrize(("times", "fits"), [(RUBY_7, is_seconds), (RUBY_8, is_milliseconds)])
def test_a_job_keeps_the_form_that_it_came_with(
    field: str, sidekiq: int, times: dict[str, Any], fits: Callable[[object], bool]
) -> None:
    written = fate({**times, **FAILURES[field]}, Config(codec="json", sidekiq=sidekiq))
    assert fits(written[field])
    assert written["created_at"] == times["created_at"]


@pytest.mark.parametrize("field", FAILURES)
def test_a_job_without_times_gets_those_of_the_setting(field: str) -> None:
    assert is_seconds(fate(FAILURES[field], Config(codec="json", sidekiq=7))[field])
    assert is_milliseconds(fate(FAILURES[field], Config(codec="json"))[field])
    assert is_milliseconds(fate(FAILURES[field], Config(sidekiq=7))[field])


@pytest.mark.parametrize(("times", "fits"), [(RUBY_7, is_seconds), (RUBY_8, is_milliseconds)])
def test_a_poison_pill_dies_at_a_time_of_the_jobs_own_form(
    times: dict[str, Any], fits: Callable[[object], bool]
) -> None:
    assert fits(fate({**times, "pill": True}, Config(codec="json"))["failed_at"])


@pytest.mark.parametrize("stamp", [0, -5, 1795293240, 1e12, True, None, "2026", [], float("nan")])
def test_whatever_stands_in_created_at_a_moment_is_one(stamp: Any) -> None:
    found = moment({"created_at": stamp}, 1795293240.5, False)
    assert found in (1795293240.5, 1795293240500)


def test_counting_seconds_leaves_alone_what_is_no_time() -> None:
    payload = {"created_at": True, "failed_at": "x", "retried_at": 1795293240, "at": 1795293240812}
    before = dict(payload)
    count_seconds(payload)
    assert payload == before


# --- a worker


@pytest.fixture
def alone(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    empty = Site(server, tmp_path, codec="json")
    yield empty
    empty.close()


@pytest.fixture(scope="module", params=[6, 7])
def site(
    request: pytest.FixtureRequest, server: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    alone = Site(server, tmp_path_factory.mktemp("seconds"), codec="json")
    alone.client.sidekiq = request.param
    alone.write("config/kiq.yml", f"codec: json\nsidekiq: {request.param}\nlease: 6\n")
    yield alone
    alone.close()


@pytest.fixture(scope="module")
def worker(site: Site) -> WorkerProcess:
    return site.start()


def test_what_falls_due_keeps_its_form_or_has_that_of_the_setting(
    site: Site, worker: WorkerProcess
) -> None:
    site.store.delete("promoted")
    job = {"class": "Ruby::Job", "args": [], "queue": "rubys", "retry": True}
    for name, times in (("seven", RUBY_7), ("eight", RUBY_8), ("bare", {})):
        site.store.zadd("schedule", {json.dumps({**job, **times, "jid": name}): 1})
    eventually(lambda: site.count("queue:rubys") == 3, 10)
    found = {each["jid"]: each for each in in_queue(site.store, "rubys")}
    assert is_seconds(found["seven"]["enqueued_at"])
    assert is_milliseconds(found["eight"]["enqueued_at"])
    assert is_seconds(found["bare"]["enqueued_at"])
    assert found["seven"]["created_at"] == RUBY_7["created_at"]


def test_a_running_job_is_where_that_version_looks(site: Site, worker: WorkerProcess) -> None:
    jid = site.push("Hold", "shown")
    name = f"{worker.identity}:{'workers' if site.client.sidekiq == 6 else 'work'}"
    eventually(lambda: site.store.exists(name), 10)
    (work,) = WorkSet(site.client)
    assert (work.jid, work.process) == (jid, worker.identity)
    assert WorkSet(site.client).size == 1
    other = {"workers": "work", "work": "workers"}[name.rsplit(":", 1)[1]]
    assert not site.store.exists(f"{worker.identity}:{other}")
    site.release("shown")
    eventually(lambda: not site.store.exists(name), 10)


def test_metrics_are_where_that_version_looks(site: Site, worker: WorkerProcess) -> None:
    site.push("Note", "measured")
    site.noted("measured")
    name = f"{JOBS}.Note"

    def counted() -> Any:
        now = datetime.now(UTC)
        key = f"j|{now:%Y%m%d}|{now.hour}:{now.minute}"
        return site.store.hget(key, f"{name}|p") and key

    key = eventually(counted, 70)
    hour, _, minute = key.rpartition("|")[2].partition(":")
    histogram = f"{name}-{key[8:10]}-{int(hour):02d}:{minute}"
    assert site.store.exists(histogram)
    assert 28_000 < site.store.ttl(key) <= 28_800  # type: ignore[operator]
    assert site.store.keys("h|*") == []
    job = Metrics(site.client).for_job(name, minutes=5)
    assert job.processed == sum(job.histogram) == 1
    assert name in Metrics(site.client).top_jobs(minutes=5).jobs
    assert Metrics(site.client).for_job(name, hours=1).processed == 1
    of_eight = kiq.Client(redis.Redis.from_url(site.url))
    assert Metrics(of_eight).for_job(name).processed == 0


def test_the_queue_time_of_a_job_in_seconds_is_measured(site: Site, worker: WorkerProcess) -> None:
    site.store.flushdb()
    raw = {"class": f"{JOBS}.Note", "args": ["waited"], "jid": "w", "queue": "default"}
    for number in range(2):  # the first of a class goes the long way
        at = time.time() - 3 - number
        site.store.lpush("queue:default", json.dumps({**raw, "enqueued_at": at, "created_at": at}))
    eventually(lambda: len(site.notes) == 2, 10)
    job = eventually(
        lambda: (job := Metrics(site.client).for_job(raw["class"])).waits == 2 and job, 15
    )
    assert 6 < job.queue_time < 40


def test_a_failed_job_is_read_back_whole(site: Site, worker: WorkerProcess) -> None:
    site.push("Fails", retry=3)
    eventually(lambda: site.count("retry") == 1, 10)
    (raw,) = site.store.zrange("retry", 0, -1)  # type: ignore[misc]
    assert is_seconds(json.loads(raw)["failed_at"])
    (entry,) = RetrySet(site.client)
    assert entry.failed_at is not None
    assert abs(time.time() - entry.failed_at) < 10
    assert abs(time.time() - (entry.created_at or 0)) < 10
