"""Bad jobs and bad keys: each harms only itself."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from kiq.codec import decode
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

DEEP_JSON = b'{"class":"x.Y","args":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
DEEP_MSGPACK = b"\x82\xa5class\xa3x.Y\xa4args" + b"\x91" * 100_000 + b"\x90"
UNDECODABLE = {
    "text": b"not a job",
    "half": b'{"class":"x.Y","args":[1,',
    "empty": b"",
    "no class": b'{"args":[]}',
    "arguments that are no list": b'{"class":"x.Y","args":{"a":1}}',
    "cut MessagePack": b"\x82\xa5class",
    "not UTF-8": b'{"class":"\xff","args":[]}',
    "deep JSON": DEEP_JSON,
    "deep MessagePack": DEEP_MSGPACK,
}


def expect_dead(site: Site, raw: bytes) -> str:
    """Wait until *raw* is in the dead set, byte for byte; return why."""
    eventually(lambda: site.store.zscore("dead", raw) is not None, 10)
    reason = site.store.hget("kiq:dead-reason", hashlib.sha1(raw).hexdigest())
    assert reason, "an entry that has no field for a reason has one beside it"
    return str(reason.decode())  # type: ignore[union-attr]


def retried(site: Site, **fields: Any) -> dict[str, Any]:
    """Wait for a job in the retry set with these fields; return it."""

    def found() -> dict[str, Any] | None:
        payloads = [decode(raw)[0] for raw in site.store.zrange("retry", 0, -1)]  # type: ignore[union-attr]
        return next((p for p in payloads if fields.items() <= p.items()), None)

    return eventually(found, 10) or {}


@pytest.mark.parametrize("kind", UNDECODABLE)
def test_what_is_no_job_goes_from_a_queue_to_the_dead_set(
    shared: Site, worker: WorkerProcess, kind: str
) -> None:
    shared.store.lpush("queue:default", UNDECODABLE[kind])
    assert expect_dead(shared, UNDECODABLE[kind])
    shared.store.delete("dead")
    shared.push("Note", f"after {kind}")
    shared.noted(f"after {kind}")


@pytest.mark.parametrize("key", ["retry", "schedule"])
@pytest.mark.parametrize(
    "raw",
    [b"not a job either", DEEP_JSON, b'{"class":"x.Y","args":[],"queue":"a\\nb"}', b'{"class":1}'],
    ids=["text", "deep", "odd queue", "no class"],
)
def test_what_is_no_job_goes_from_a_set_to_the_dead_set(
    shared: Site, worker: WorkerProcess, key: str, raw: bytes
) -> None:
    shared.store.zadd(key, {raw: 1})
    shared.push("Note", f"beside {key}", at=time.time() + 0.01)
    assert expect_dead(shared, raw)
    assert shared.store.zscore(key, raw) is None
    shared.noted(f"beside {key}")
    shared.store.delete("dead")


def test_a_class_that_no_module_has_is_retried(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.client.push({"class": "app.NoSuchJob", "args": [1]})
    payload = retried(shared, jid=jid)
    assert "UnknownJobClass" in payload["error_class"]
    assert "'app.NoSuchJob'" in payload["error_message"]
    assert payload["args"] == [1]


def test_a_payload_can_not_make_the_worker_import_a_module(
    shared: Site, worker: WorkerProcess
) -> None:
    shared.write("evil.py", "import pathlib\n\npathlib.Path('imported').touch()\n")
    jid = shared.client.push({"class": "evil.Job", "args": []})
    assert retried(shared, jid=jid)
    assert not (shared.folder / "imported").exists()


@pytest.mark.parametrize("arguments", [[], ["one", "too many"]])
def test_arguments_that_do_not_fit_are_retried(
    shared: Site, worker: WorkerProcess, arguments: list[str]
) -> None:
    raw = {"class": f"{JOBS}.Note", "args": arguments, "jid": f"arity-{len(arguments)}"}
    shared.store.lpush("queue:default", json.dumps(raw))
    payload = retried(shared, jid=raw["jid"])
    assert payload["error_class"] in ("TypeError", "kiq.errors.ArgumentError")
    assert "argument" in payload["error_message"]


def test_a_payload_of_five_megabytes_runs(shared: Site, worker: WorkerProcess) -> None:
    shared.push("Measures", "x" * 5_000_000)
    shared.noted("length 5000000")


def test_the_worker_has_survived_all_that(shared: Site, worker: WorkerProcess) -> None:
    shared.push("Note", "after all that")
    shared.noted("after all that")
    eventually(lambda: shared.store.get("stat:processed"), message="what ran is counted")
    assert worker.running
    eventually(lambda: not shared.store.keys("kiq:inflight:*"))


def test_a_queue_that_is_no_list_does_not_stop_the_others(site: Site) -> None:
    site.store.set("queue:bad", "not a list")
    worker = site.start("-q", "bad", "-q", "default")
    worker.says("queue:bad", "WRONGTYPE")
    for number in range(3):
        site.push("Note", f"good {number}")
        site.noted(f"good {number}")
    site.store.delete("queue:bad")
    site.push("Note", "mended", queue="bad")
    site.noted("mended")
    assert len([line for line in worker.lines if "WRONGTYPE" in line]) < 20, "one line would do"


@pytest.mark.parametrize("key", ["retry", "schedule"])
def test_a_set_that_is_no_set_does_not_stop_the_other(site: Site, key: str) -> None:
    site.store.set(key, "not a set")
    worker = site.start()
    worker.says("WRONGTYPE")
    other = "schedule" if key == "retry" else "retry"
    job = {"class": f"{JOBS}.Note", "args": [f"from {other}"], "jid": "other"}
    site.store.zadd(other, {json.dumps(job): 1})
    site.noted(f"from {other}")
    site.push("Note", "pushed")
    site.noted("pushed")


def test_a_queue_that_nobody_takes_is_told_at_the_start(
    shared: Site, worker: WorkerProcess
) -> None:
    line = worker.says("no running process takes queue elsewhere")
    assert f"{JOBS}.Elsewhere" in line
    assert "queues:" in line
    assert "takes queue default" not in worker.log


@pytest.mark.parametrize(
    ("policy", "limit", "level", "words"),
    [
        ("allkeys-lru", "1gb", "ERROR", "throws jobs away"),
        ("allkeys-random", "0", "WARN", "no maxmemory is set at present"),
        ("volatile-ttl", "1gb", "WARN", "throws away what has a TTL"),
    ],
)
def test_a_server_that_evicts_is_told_at_the_start(
    site: Site,
    private_server: Callable[..., TestServer],
    policy: str,
    limit: str,
    level: str,
    words: str,
) -> None:
    evicting = private_server("--maxmemory-policy", policy, "--maxmemory", limit)
    for command in ("CONFIG|GET", "CONFIG|SET"):  # as where Redis is rented
        evicting.client().execute_command("ACL", "SETUSER", "default", f"-{command}")
    worker = site.start(REDIS_URL=evicting.url)
    line = worker.says(f"maxmemory-policy is {policy}", words, "maxmemory-policy noeviction")
    assert level in line
    worker.stop()
