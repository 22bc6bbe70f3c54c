"""The state of iterable jobs, as it is looked at from outside."""

from __future__ import annotations

import datetime
import time
from typing import Any

import pytest
import redis

from kiq.api import IterationState
from kiq.errors import PayloadError, StoreError
from kiq.plugins.iteration.keys import ENDS


def test_a_state_that_ruby_wrote_is_read(raw: redis.Redis, redis_url: str) -> None:
    raw.hset("it-abc", mapping={"ex": 3, "c": "[1,null]", "rt": "12.5"})
    state = IterationState.find("abc", redis_url)
    assert state == IterationState(jid="abc", executions=3, cursor=[1, None], runtime=12.5)
    assert (state.percentage, state.rate, state.eta, state.cancelled) == (None, None, None, False)


def test_many_are_looked_up_in_one_go(raw: redis.Redis, redis_url: str) -> None:
    raw.hset("it-a", "ex", 1)
    raw.hset("it-c", mapping={"c": '{"~date": "2026-01-31"}', "cancelled": 1_800_000_000})
    first, absent, third = IterationState.find_many(["a", "b", "c"], redis_url)
    assert first is not None
    assert third is not None
    assert first.cursor is None
    assert absent is None
    assert third.cursor == datetime.date(2026, 1, 31)
    assert third.cancelled_at == 1_800_000_000
    assert IterationState.find_many([], "redis://localhost:1") == []


@pytest.mark.parametrize(
    ("fields", "eta"),
    [
        ({"p": 25, "of": 100, "rt": 5}, 15.0),
        ({"p": 200, "of": 100, "rt": 5}, 0.0),
        ({"p": 0, "of": 100, "rt": 5}, None),
        ({"p": -3, "of": 100, "rt": 5}, None),
        ({"p": 5, "rt": 5}, None),
        ({"p": 5, "of": 10, "rt": 0}, None),
    ],
)
def test_the_time_that_is_left_is_never_negative(
    raw: redis.Redis, redis_url: str, fields: dict[str, Any], eta: float | None
) -> None:
    raw.hset("it-abc", mapping=fields)
    state = IterationState.find("abc", redis_url)
    assert state is not None
    assert state.eta == eta


def test_what_is_no_state_says_so(raw: redis.Redis, redis_url: str) -> None:
    raw.hset("it-abc", "c", "junk")
    with pytest.raises(PayloadError, match="is no cursor"):
        IterationState.find("abc", redis_url)
    raw.delete("it-abc")
    raw.set("it-abc", "x")
    with pytest.raises(StoreError):
        IterationState.find("abc", redis_url)


def test_delete_says_whether_there_was_one(raw: redis.Redis, redis_url: str) -> None:
    raw.hset("it-abc", "ex", 1)
    state = IterationState(jid="abc")
    assert state.delete(redis_url)
    assert not state.delete(redis_url)


def test_a_job_stays_cancelled_since_the_first_time(raw: redis.Redis, redis_url: str) -> None:
    raw.hset("it-abc", "cancelled", 1_700_000_000)
    assert IterationState(jid="abc").cancel(redis_url) == 1_700_000_000
    assert raw.ttl("it-abc") == -1
    assert float(raw.zscore(ENDS, "it-abc") or 0) > time.time() + 29 * 86_400  # type: ignore[arg-type]
