"""What kiq writes for a retry and a death is what Sidekiq's tools read: fields, types, bytes."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from kiq.clock import milliseconds
from kiq.codec import encode
from kiq.config import Config
from kiq.plugin import Host
from kiq.registry import JobSpec, Registry
from kiq.verdict import Flight, Permit, Taken, ToDead, ToRetry, Verdict
from kiq.work.executor import Executor

PUSHED = {
    "retry": True,
    "queue": "default",
    "args": [1, "two", {"a": None}],
    "class": "HardWorker",
    "jid": "00d44e1144fc99baffabb78b",
    "created_at": 1795293240812,
    "enqueued_at": 1795293240812,
}


def boom(*_args: Any) -> None:
    raise ValueError("boom é \x00 [1]")


def executed(payload: dict[str, Any], function: Callable[..., Any] = boom) -> Verdict:
    """Run *payload*, as Ruby pushed it, and return the verdict."""
    registry = Registry()
    registry.add(JobSpec("HardWorker", {}, (), function, None))
    flight = Flight("o", "queue:default", Permit())
    raw = json.dumps(payload).encode()
    return Executor(Config(codec="json"), Host(), registry)(Taken("1.1", flight, raw, 0.0))


def record(**fields: Any) -> dict[str, Any]:
    """The member of the retry or dead set, read as Ruby reads it."""
    verdict = executed({**PUSHED, **fields})
    assert isinstance(verdict, ToRetry | ToDead)
    found = json.loads(verdict.raw.decode("utf-8"), parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def is_recent(stamp: object) -> bool:
    """Whether *stamp* is whole milliseconds of the last seconds."""
    return type(stamp) is int and 0 <= milliseconds() - stamp < 10_000


def test_a_retry_has_the_fields_of_sidekiq_and_their_types() -> None:
    found = record()
    assert found.keys() - PUSHED.keys() == {
        "error_message",
        "error_class",
        "failed_at",
        "retry_count",
    }
    assert found["error_message"] == "boom é \x00 [1]"
    assert found["error_class"] == "ValueError"
    assert found["retry_count"] == 0
    assert type(found["retry_count"]) is int
    assert is_recent(found["failed_at"])


def test_what_was_pushed_is_kept() -> None:
    found = record(tags=["alpha"], bid="b", cattr={"user": 1}, locale="de", unknown=[1.5])
    assert {name: found[name] for name in PUSHED} == PUSHED
    assert found["tags"] == ["alpha"]
    assert found["cattr"] == {"user": 1}
    assert found["unknown"] == [1.5]


def test_a_second_failure_adds_retried_at() -> None:
    found = record(retry_count=0, failed_at=1795293268434)
    assert found["retry_count"] == 1
    assert found["failed_at"] == 1795293268434
    assert is_recent(found["retried_at"])


def test_the_backtrace_is_base64_without_breaks_of_deflated_json() -> None:
    packed = record(backtrace=True)["error_backtrace"]
    assert "\n" not in packed
    lines = json.loads(zlib.decompress(b64decode(packed, validate=True)))
    assert all(type(line) is str for line in lines)
    assert lines[0].startswith(__file__)
    assert lines[0].endswith("in `boom'")


def test_the_backtrace_is_cut_to_the_lines_asked_for() -> None:
    found = record(backtrace=2)
    assert len(json.loads(zlib.decompress(b64decode(found["error_backtrace"])))) == 2
    assert found["backtrace"] == 2


def test_a_retry_is_scored_in_epoch_seconds() -> None:
    verdict = executed(PUSHED)
    assert isinstance(verdict, ToRetry)
    assert 14 < verdict.at - milliseconds() / 1000 < 15 + 10


def test_the_last_failure_goes_to_the_dead_set_with_the_same_fields() -> None:
    verdict = executed({**PUSHED, "retry": 0})
    assert isinstance(verdict, ToDead)
    assert abs(verdict.at - milliseconds() / 1000) < 10
    assert verdict.reason == ""
    found = record(retry=0)
    assert found.keys() == record().keys()
    assert found["retry"] == 0
    assert "discarded_at" not in found


@pytest.mark.parametrize("raw", [b"{not json", b'{"class":"X"}'])
def test_malformed_payloads_are_kept_as_they_are(raw: bytes) -> None:
    flight = Flight("o", "queue:default", Permit())
    host = Host()
    host.error_handlers = [lambda error, where: None]
    verdict = Executor(Config(), host, Registry())(Taken("1.1", flight, raw, 0.0))
    assert isinstance(verdict, ToDead)
    assert verdict.raw == raw


def test_a_json_job_stays_json_though_the_worker_writes_msgpack() -> None:
    assert record()["class"] == "HardWorker"
    flight = Flight("o", "queue:default", Permit())
    raw = encode(PUSHED, "json")
    host = Host()
    host.error_handlers = [lambda error, where: None]
    verdict = Executor(Config(codec="msgpack"), host, Registry())(Taken("1.1", flight, raw, 0.0))
    assert isinstance(verdict, ToRetry)
    assert verdict.raw.startswith(b"{")


def test_text_beyond_ascii_is_utf_8_and_a_backtrace_with_it_is_still_ascii() -> None:
    verdict = executed({**PUSHED, "backtrace": True, "args": ["é"]})
    assert isinstance(verdict, ToRetry)
    assert "é".encode() in verdict.raw
    json.loads(verdict.raw)["error_backtrace"].encode("ascii")
