"""Keyword arguments for a class that may be Ruby's are refused: its Sidekiq would not read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
import kiq.aio
from kiq.client import process_client
from kiq.errors import KiqError, PayloadError
from tests.helpers.stored import in_queue, scheduled

JOB: dict[str, Any] = {"args": [1], "kwargs": {"loud": True, "name": "Bob"}}
RUBYS = pytest.mark.parametrize(
    "name", ["KeywordWorker", "Ruby::Keywords", "ünï keywords", "keywords"]
)

WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "push": kiq.push,
    "later": lambda item: kiq.push({**item, "at": 4e9}),
    "bulk": lambda item: kiq.push_bulk({**item, "args": None}, [[1]]),
    "client": lambda item: process_client().push(item),
    "whole": lambda item: process_client().push(
        {**item, "jid": "j", "queue": "default", "created_at": 1}
    ),
    "aio": lambda item: asyncio.run(kiq.aio.push(item)),
    "aio bulk": lambda item: asyncio.run(kiq.aio.push_bulk({**item, "args": None}, [[1]])),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def json_fake(fake: redis.Redis) -> redis.Redis:
    kiq.configure(codec="json")
    return fake


@EVERY_WAY
@RUBYS
def test_they_are_refused_where_the_class_is_only_a_name(
    json_fake: redis.Redis, way: str, name: str
) -> None:
    with pytest.raises(KiqError, match=r"keyword arguments \(loud, name\) would be lost") as caught:
        WAYS[way]({"class": name, **JOB})
    assert str(caught.value).startswith((name, "the bulk push broke"))
    assert json_fake.keys() == []


@EVERY_WAY
def test_a_class_of_python_that_is_only_a_name_has_a_dot(json_fake: redis.Redis, way: str) -> None:
    WAYS[way]({"class": "shop.jobs.Ship", **JOB})
    (job,) = in_queue(json_fake) or [payload for _, payload in scheduled(json_fake)]
    assert job["kwargs"] == JOB["kwargs"]


@EVERY_WAY
def test_a_class_that_is_known_here_takes_them_whatever_its_name(
    json_fake: redis.Redis, way: str
) -> None:
    @kiq.job(name="Ruby::Welcome")
    def welcome(number: int, *, loud: bool, name: str) -> None: ...

    WAYS[way]({"class": "Ruby::Welcome", **JOB})
    welcome.perform_async(1, loud=False, name="Al")
    jobs = in_queue(json_fake) + [payload for _, payload in scheduled(json_fake)]
    assert len(jobs) == 2


@EVERY_WAY
def test_in_message_pack_they_can_only_be_for_python(fake: redis.Redis, way: str) -> None:
    WAYS[way]({"class": "KeywordWorker", **JOB})
    assert in_queue(fake) or scheduled(fake)


def test_a_dict_at_the_end_and_empty_keywords_pass(json_fake: redis.Redis) -> None:
    kiq.push({"class": "KeywordWorker", "args": [1, {"loud": True}], "kwargs": {}})
    assert len(in_queue(json_fake)) == 1


def test_a_layer_that_adds_them_is_told(json_fake: redis.Redis) -> None:
    @kiq.host.around_push
    def add(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["kwargs"] = {"loud": True}
        return call_next(context)

    with pytest.raises(PayloadError, match=r"KeywordWorker: keyword arguments \(loud\)"):
        kiq.push({"class": "KeywordWorker", "args": []})
