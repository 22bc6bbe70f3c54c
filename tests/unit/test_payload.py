"""Bare dicts become payloads: what is filled in, what is kept, what is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import redis

import kiq
from kiq.errors import ArgumentError, PayloadError
from tests.helpers.stored import in_queue, scheduled


class Known(kiq.Job, name="payload.Known", queue="known", retry=1):
    def perform(self, number: int) -> None: ...


@kiq.job(name="payload.function", queue="functions")
def function(number: int) -> None: ...


def test_a_bare_dict_gets_the_fields_that_it_lacks(fake: redis.Redis) -> None:
    jid = kiq.push({"class": "Ruby::Job", "args": [1]})
    (payload,) = in_queue(fake)
    assert re.fullmatch("[0-9a-f]{24}", payload["jid"])
    assert payload["jid"] == jid
    assert (payload["queue"], payload["retry"]) == ("default", True)
    assert isinstance(payload["created_at"], int)
    assert isinstance(payload["enqueued_at"], int)


def test_fields_that_are_given_and_unknown_ones_are_kept(fake: redis.Redis) -> None:
    given = {
        "class": "Ruby::Job",
        "args": [],
        "jid": "mine",
        "queue": "q",
        "retry": 3,
        "created_at": 5,
        "extra": {"a": [1]},
    }
    assert kiq.push(given) == "mine"
    (payload,) = in_queue(fake, "q")
    assert payload.pop("enqueued_at") > 5
    assert payload == given


def test_the_callers_dict_is_left_alone(fake: redis.Redis) -> None:
    given = {"class": "X", "args": [1], "at": 4_000_000_000.0}
    before = dict(given)
    kiq.push(given)
    kiq.push_bulk({"class": "X"}, [[1]])
    assert given == before


def test_a_registered_name_brings_its_options_and_its_arity(fake: redis.Redis) -> None:
    kiq.push({"class": "payload.Known", "args": [1]})
    assert in_queue(fake, "known")[0]["retry"] == 1
    with pytest.raises(ArgumentError, match=r"payload\.Known\.perform\(number\)"):
        kiq.push({"class": "payload.Known", "args": []})


@pytest.mark.parametrize(("job", "queue"), [(Known, "known"), (function, "functions")])
def test_a_job_class_or_function_may_stand_for_its_name(
    fake: redis.Redis, job: Any, queue: str
) -> None:
    kiq.push({"class": job, "args": [1]})
    assert in_queue(fake, queue)[0]["class"].startswith("payload.")


def test_at_schedules_and_a_past_one_pushes_now(fake: redis.Redis) -> None:
    kiq.push({"class": "X", "args": [], "at": 4_000_000_000})
    kiq.push({"class": "X", "args": [], "at": 5})
    ((score, later),) = scheduled(fake)
    (now,) = in_queue(fake)
    assert score == 4_000_000_000.0
    assert "at" not in later
    assert "enqueued_at" not in later
    assert "at" not in now
    assert "enqueued_at" in now


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"args": []}, "a payload needs 'class', the name of a job class, not None"),
        ({"class": "", "args": []}, "a payload needs 'class'"),
        ({"class": 5, "args": []}, "not 5"),
        ({"class": int, "args": []}, "<class 'int'> is no job class: derive it from kiq.Job"),
        ({"class": kiq.Job, "args": []}, "is no job class"),
        ({"class": "X"}, "X: a payload needs 'args', a list of arguments, not None"),
        ({"class": "X", "args": "abc"}, "X: a payload needs 'args', a list of arguments"),
        ({"class": "X", "args": {"a": 1}}, "X: a payload needs 'args'"),
        ({"class": "X", "args": [], "kwargs": []}, "X: 'kwargs' must be a dict, not []"),
        ({"class": "X", "args": [], 5: 1}, "a payload has string keys only, not 5"),
        ({"class": "X", "args": [], "queue": ""}, "X: queue: '' can't be the name of a queue"),
        ({"class": "X", "args": [], "queue": None}, "X: queue: None can't be the name"),
        ({"class": "X", "args": [], "queue": "a\n"}, r"X: queue: 'a\n'"),
        ({"class": "X", "args": [], "jid": 5}, "X: 'jid' must be a string, not 5"),
        ({"class": "X", "args": [], "tags": "a"}, "X: 'tags' must be a list, not 'a'"),
        ({"class": "X", "args": [], "at": "soon"}, "X: 'at' must be a finite number"),
        ({"class": "X", "args": [], "at": True}, "X: 'at' must be a finite number"),
        ({"class": "X", "args": [], "at": math.inf}, "X: 'at' must be a finite number"),
        ({"class": "X", "args": [], "retry_for": 1_000_000_001}, "X: 'retry_for' must be at most"),
        ({"class": "X", "args": [], "retry_for": "1h"}, "X: 'retry_for' must be at most"),
        ("X", "a job is a dict such as"),
        (None, "a job is a dict such as"),
    ],
)
def test_what_can_be_no_job_is_refused_and_nothing_is_written(
    fake: redis.Redis, item: Any, words: str
) -> None:
    for push in (kiq.push, kiq.Client(fake).push):
        if push is not kiq.push and not (isinstance(item, dict) and item.get("class") == "X"):
            continue  # a client takes dicts, with names of classes
        with pytest.raises(PayloadError) as raised:
            push(item)
        assert words in str(raised.value)
    assert fake.keys() == []


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_an_argument_that_cannot_travel_is_refused_by_either_codec(
    fake: redis.Redis, codec: str
) -> None:
    kiq.configure(codec=codec)
    with pytest.raises(ArgumentError, match=r"X: args\[0\]"):
        kiq.push({"class": "X", "args": [{1, 2}]})
    assert fake.keys() == []


def test_a_payload_over_the_limit_is_refused_with_both_sizes(fake: redis.Redis) -> None:
    kiq.configure(max_payload=1000)
    with pytest.raises(PayloadError, match=r"X: the payload is \d{4} bytes, limit 1000") as raised:
        kiq.push({"class": "X", "args": ["a" * 1000]})
    assert "pass its id" in str(raised.value)
    assert fake.keys() == []


def test_a_client_of_ones_own_takes_a_bare_dict(fake: redis.Redis) -> None:
    client = kiq.Client(fake, codec="json")
    jid = client.push({"class": "X", "args": [1], "queue": "mine"})
    (payload,) = in_queue(fake, "mine")
    assert (payload["jid"], payload["retry"]) == (jid, True)
