"""What Sidekiq's Web UI and API find of a worker process: its 1.7, 1.8 and 1.12."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

#: The keys of ``info`` that Sidekiq 8.1.7 writes.
INFO = {
    *("hostname", "started_at", "pid", "tag", "capsules", "queues"),
    *("weights", "labels", "identity", "version", "embedded"),
}
FIELDS = {"info", "concurrency", "busy", "beat", "rtt_us", "quiet", "rss"}


@pytest.fixture(scope="module")
def site(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A database with one worker, which speaks Sidekiq's JSON."""
    alone = Site(server, tmp_path_factory.mktemp("sidekiq"), codec="json")
    alone.write(
        "config/kiq.yml",
        "codec: json\nconcurrency: 3\nqueues: [[critical, 3], [default, 1]]\ntag: sk\n"
        "labels: [reliable]\nlease: 6\ncapsules: {single: {concurrency: 1, queues: [serial]}}\n",
    )
    yield alone
    alone.close()


@pytest.fixture(scope="module")
def worker(site: Site) -> WorkerProcess:
    """The worker, shown in Redis."""
    process = site.start()
    eventually(lambda: site.store.exists(process.identity))
    return process


def fields(site: Site, worker: WorkerProcess) -> dict[str, str]:
    """The hash of the process."""
    found: Any = site.store.hgetall(worker.identity)
    return {name.decode(): value.decode() for name, value in found.items()}


def test_the_process_is_listed_and_shown_for_a_minute(site: Site, worker: WorkerProcess) -> None:
    assert site.store.smembers("processes") == {worker.identity.encode()}
    assert re.fullmatch(rf"[^:]+:{worker.pid}:[0-9a-f]{{12}}", worker.identity)
    assert 50 < site.store.ttl(worker.identity) <= 60  # type: ignore[operator]


def test_info_has_what_the_busy_page_reads(site: Site, worker: WorkerProcess) -> None:
    info = json.loads(fields(site, worker)["info"])
    assert info.keys() >= INFO
    assert info["pid"] == worker.pid
    assert info["hostname"] == worker.identity.split(":")[0]
    assert info["tag"] == "sk"
    assert info["labels"] == ["reliable"]
    assert info["queues"] == ["critical", "default", "serial"]
    assert info["weights"] == [{"critical": 3, "default": 1}, {"serial": 0}]
    assert info["capsules"] == {
        "default": {
            "concurrency": 3,
            "mode": "weighted",
            "weights": {"critical": 3, "default": 1},
        },
        "single": {"concurrency": 1, "mode": "strict", "weights": {"serial": 0}},
    }
    assert info["embedded"] is False
    assert info["identity"] == worker.identity
    assert isinstance(info["started_at"], float)
    assert abs(time.time() - info["started_at"]) < 60


def test_the_other_fields_have_sidekiqs_forms(site: Site, worker: WorkerProcess) -> None:
    shown = fields(site, worker)
    assert shown.keys() == FIELDS
    assert shown["concurrency"] == "4"
    assert re.fullmatch(r"\d+", shown["busy"])
    assert re.fullmatch(r"\d+", shown["rtt_us"])
    assert abs(time.time() - float(shown["beat"])) < 10
    assert shown["quiet"] == "false"
    assert 1_000 < int(shown["rss"]) < 10_000_000, "kilobytes"


def test_a_running_job_is_in_the_work_hash_as_a_json_string(
    site: Site, worker: WorkerProcess
) -> None:
    before = time.time()
    jid = site.push("Hold", "shown")
    work: dict[bytes, bytes] = eventually(
        lambda: site.store.hgetall(f"{worker.identity}:work"),  # type: ignore[arg-type, return-value]
        10,
    )
    ((tid, entry),) = work.items()
    assert re.fullmatch(rb"[0-9a-z]+", tid)
    job = json.loads(entry)
    assert job.keys() == {"queue", "payload", "run_at"}
    assert job["queue"] == "default"
    assert isinstance(job["run_at"], int)
    assert before - 2 <= job["run_at"] <= time.time() + 1
    assert isinstance(job["payload"], str)
    payload = json.loads(job["payload"])
    assert (payload["jid"], payload["class"]) == (jid, f"{JOBS}.Hold")
    assert payload["args"] == ["shown"]
    assert 0 < site.store.ttl(f"{worker.identity}:work") <= 60  # type: ignore[operator]
    eventually(lambda: fields(site, worker)["busy"] == "1", 10)
    site.release("shown")
    eventually(lambda: not site.store.exists(f"{worker.identity}:work"), 10)


def test_processed_and_failed_are_counted_for_ever_and_by_the_utc_day(
    site: Site, worker: WorkerProcess
) -> None:
    before = [int(site.store.get(f"stat:{name}") or 0) for name in ("processed", "failed")]  # type: ignore[arg-type]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    today = int(site.store.get(f"stat:failed:{day}") or 0)  # type: ignore[arg-type]
    site.push("Note", "counted")
    site.push("Fails", "counted", 99)
    eventually(lambda: int(site.store.get("stat:processed") or 0) == before[0] + 2)  # type: ignore[arg-type]
    assert int(site.store.get("stat:failed") or 0) == before[1] + 1  # type: ignore[arg-type]
    if f"{datetime.now(UTC):%Y-%m-%d}" == day:
        assert int(site.store.get(f"stat:failed:{day}") or 0) == today + 1  # type: ignore[arg-type]
        lifetime = 5 * 365 * 86_400
        assert lifetime - 60 <= site.store.ttl(f"stat:processed:{day}") <= lifetime  # type: ignore[operator]


def test_a_failed_job_can_be_read_by_the_retry_page(site: Site, worker: WorkerProcess) -> None:
    site.store.delete("retry")
    jid = site.push("Fails", "seen", 99, backtrace=True)
    ((raw, score),) = eventually(lambda: site.store.zrange("retry", 0, -1, withscores=True))  # type: ignore[misc]
    payload = json.loads(raw)
    assert payload["jid"] == jid
    assert payload["queue"] == "default"
    assert isinstance(payload["failed_at"], int)
    assert payload["retry_count"] == 0
    assert payload["error_class"] == "ValueError"
    assert payload["error_backtrace"].startswith("eJ"), "base64 of zlib"
    assert score > time.time()


def test_a_job_that_ruby_pushed_with_the_bare_minimum_runs(
    site: Site, worker: WorkerProcess
) -> None:
    site.store.lpush("queue:serial", json.dumps({"class": f"{JOBS}.Note", "args": ["bare"]}))
    site.noted("bare")
    float_times = {"created_at": 1795293265.96, "enqueued_at": 1795293265.96, "odd": {"a": []}}
    job = {"class": f"{JOBS}.Note", "args": ["of Sidekiq 7"], "jid": "7", "queue": "critical"}
    site.store.lpush("queue:critical", json.dumps({**job, **float_times}))
    site.noted("of Sidekiq 7")


def test_a_push_of_kiq_is_listed_among_the_queues(site: Site, worker: WorkerProcess) -> None:
    site.push("Note", "far", queue="untaken")
    assert site.store.sismember("queues", "untaken")
    payload = json.loads(site.store.lindex("queue:untaken", 0))  # type: ignore[arg-type]
    assert payload["args"] == ["far"]
    assert isinstance(payload["created_at"], int)
    assert isinstance(payload["enqueued_at"], int)


def test_the_buttons_quiet_and_stop_work_and_nothing_is_left(
    site: Site, worker: WorkerProcess
) -> None:
    """The last of this module: it ends the worker."""
    site.store.lpush(f"{worker.identity}-signals", "TSTP")
    eventually(lambda: fields(site, worker).get("quiet") == "true", 10)
    site.store.lpush(f"{worker.identity}-signals", "TERM")
    assert worker.wait(10) == 0
    assert not site.store.sismember("processes", worker.identity)
    assert not site.store.exists(f"{worker.identity}:work", f"{worker.identity}-signals")
