"""With ``codec: json``, what kiq pushes is what Sidekiq 7 and 8 push: keys, fields, types, scores."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import redis

import kiq

#: As recorded from Sidekiq 8.1.7: a job that was pushed, and one that was scheduled.
RECORDED_IN_QUEUE = (
    '{"retry":true,"queue":"default","tags":["alpha"],"args":[1,"two",{"a":null}],'
    '"class":"HardWorker","jid":"00d44e1144fc99baffabb78b",'
    '"created_at":1795293240812,"enqueued_at":1795293240812}'
)
RECORDED_IN_SCHEDULE = (
    '{"retry":true,"queue":"default","tags":["alpha"],"class":"HardWorker","args":[1],'
    '"jid":"b512067939ce97b0884a7274","created_at":1795293240812}'
)


class HardWorker(kiq.Job, name="HardWorker", tags=["alpha"]):
    def perform(self, number: int, *rest: Any) -> None: ...


@pytest.fixture
def wire(raw: redis.Redis, kiq_client: kiq.Client) -> redis.Redis:
    kiq.configure(codec="json")
    return raw


def members(server: redis.Redis, queue: str = "default") -> list[bytes]:
    raws: Any = server.lrange(f"queue:{queue}", 0, -1)
    return list(raws)


def shape(payload: dict[str, Any]) -> dict[str, type]:
    return {key: type(value) for key, value in payload.items()}


def same_but_for_id_and_times(one: dict[str, Any], other: dict[str, Any]) -> bool:
    own = {"jid", "created_at", "enqueued_at"}
    return {k: v for k, v in one.items() if k not in own} == {
        k: v for k, v in other.items() if k not in own
    }


def test_a_pushed_job_has_the_recorded_fields_and_types(wire: redis.Redis) -> None:
    HardWorker.perform_async(1, "two", {"a": None})
    (raw,) = members(wire)
    ours, recorded = json.loads(raw), json.loads(RECORDED_IN_QUEUE)
    assert shape(ours) == shape(recorded)
    assert same_but_for_id_and_times(ours, recorded)


def test_a_scheduled_job_has_neither_at_nor_enqueued_at(wire: redis.Redis) -> None:
    before = time.time()
    HardWorker.perform_in(60, 1)
    after = time.time()
    members_with_scores: Any = wire.zrange("schedule", 0, -1, withscores=True)
    ((raw, score),) = members_with_scores
    ours, recorded = json.loads(raw), json.loads(RECORDED_IN_SCHEDULE)
    assert shape(ours) == shape(recorded)
    assert same_but_for_id_and_times(ours, recorded)
    assert before + 60 <= score <= after + 60


def test_a_scheduled_bulk_stores_neither_field_either(wire: redis.Redis) -> None:
    HardWorker.perform_bulk([(1,), (2,)], at=4_000_000_000)
    raws: Any = wire.zrange("schedule", 0, -1)
    assert all(shape(json.loads(raw)) == shape(json.loads(RECORDED_IN_SCHEDULE)) for raw in raws)


def test_the_score_keeps_fractions_of_a_second(wire: redis.Redis) -> None:
    HardWorker.perform_at(4_000_000_000.8127646, 1)
    members_with_scores: Any = wire.zrange("schedule", 0, -1, withscores=True)
    assert members_with_scores[0][1] == 4_000_000_000.8127646


def test_keys_and_their_types_are_sidekiqs(wire: redis.Redis) -> None:
    HardWorker.set(queue="mail").perform_async(1)
    HardWorker.perform_in(60, 1)
    types = {key: wire.type(key) for key in wire.scan_iter()}
    assert types == {b"queue:mail": b"list", b"queues": b"set", b"schedule": b"zset"}
    assert wire.smembers("queues") == {b"mail"}


def test_new_jobs_enter_at_the_head_and_the_tail_runs_next(wire: redis.Redis) -> None:
    HardWorker.perform_async(1)
    HardWorker.perform_bulk([(2,), (3,)])
    assert [json.loads(raw)["args"] for raw in members(wire)] == [[3], [2], [1]]


def test_ids_are_24_lowercase_hex_digits_and_times_whole_milliseconds(wire: redis.Redis) -> None:
    before = int(time.time() * 1000)
    HardWorker.perform_async(1)
    payload = json.loads(members(wire)[0])
    assert re.fullmatch("[0-9a-f]{24}", payload["jid"])
    assert before <= payload["created_at"] <= payload["enqueued_at"] <= time.time() * 1000
    assert type(payload["created_at"]) is type(payload["enqueued_at"]) is int


def test_options_travel_under_sidekiqs_names(wire: redis.Redis) -> None:
    options: Any = {
        "queue": "low",
        "retry": 3,
        "retry_for": 60,
        "retry_queue": "slow",
        "dead": False,
        "backtrace": 5,
        "tags": ["a", "b"],
        "log_level": "debug",
    }
    HardWorker.set(**options).perform_async(1)
    payload = json.loads(members(wire, "low")[0])
    assert {name: payload[name] for name in options} == options


@pytest.mark.parametrize("retry", [True, False, 0, 7])
def test_retry_keeps_its_json_type(wire: redis.Redis, retry: Any) -> None:
    HardWorker.set(retry=retry).perform_async(1)
    assert f'"retry":{json.dumps(retry)}'.encode() in members(wire)[0]


def test_the_bytes_are_compact_json_in_plain_utf8(wire: redis.Redis) -> None:
    HardWorker.perform_async(1, "é☃😀", [], {}, None, True, 1.5, -0.0, 2**70)
    (raw,) = members(wire)
    assert (
        b'"args":[1,"\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80",[],{},null,true,1.5,-0.0,1180591620717411303424]'
        in raw
    )
    assert raw == json.dumps(json.loads(raw), ensure_ascii=False, separators=(",", ":")).encode()


def test_keyword_arguments_are_an_extra_field_that_ruby_keeps(wire: redis.Redis) -> None:
    @kiq.job(name="Keyworded")
    def keyworded(number: int, *, loud: bool) -> None: ...

    keyworded.perform_async(1, loud=True)
    keyworded_payload = json.loads(members(wire)[0])
    assert keyworded_payload["args"] == [1]
    assert keyworded_payload["kwargs"] == {"loud": True}


def test_a_job_that_ruby_could_push_is_kept_field_by_field(wire: redis.Redis) -> None:
    recorded = json.loads(RECORDED_IN_QUEUE)
    recorded |= {"class": "Billing::Invoice", "cattr": {"tenant": 5}, "bid": "b-1", "wrapped": "X"}
    kiq.push(recorded)
    payload = json.loads(members(wire)[0])
    assert payload.pop("enqueued_at") > recorded.pop("enqueued_at")
    assert payload == recorded


@pytest.mark.parametrize("args", [["a"], [1.0], [None], [[]], [{}]])
def test_arguments_read_by_another_json_parser_are_the_same(wire: redis.Redis, args: Any) -> None:
    kiq.push({"class": "X", "args": args})
    (raw,) = members(wire)
    assert repr(json.loads(raw)["args"]) == repr(args)


def test_a_msgpack_only_value_is_refused_with_what_to_pass(wire: redis.Redis) -> None:
    with pytest.raises(kiq.ArgumentError, match=r"HardWorker: args\[1\]: .*base64"):
        HardWorker.perform_async(1, b"bytes")
    assert wire.keys() == []
