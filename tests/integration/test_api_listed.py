"""Pages of a sorted set by place: nothing is passed over, whatever comes and goes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
import redis

from kiq.api import DeadSet, JobSet
from kiq.api.filters import parse_filter as parse
from kiq.api.listed import entry_at, listing, place_of
from kiq.errors import ConfigError


def member(number: int, **fields: object) -> str:
    known = {"class": f"Kind{number % 3}", "args": [number], "jid": f"{number:024x}"}
    return json.dumps({**known, "queue": "q", **fields})


@pytest.fixture
def dead(raw: redis.Redis, redis_url: str) -> JobSet:
    return DeadSet(redis_url, dead_max_jobs=100_000, dead_timeout=10**9)


def walk(jobs: JobSet, text: str = "", *, newest_first: bool = True) -> Iterator[list[str]]:
    begin: str | None = ""
    while begin is not None:
        page = listing(jobs, parse(text), begin, newest_first=newest_first)
        yield [entry.jid for entry in page.entries]
        begin = page.behind


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("scores", [1, 7, 300])
def test_all_are_shown_once_also_of_one_score(
    dead: JobSet, raw: redis.Redis, newest_first: bool, scores: int
) -> None:
    raw.zadd("dead", {member(number): number % scores + 0.25 for number in range(300)})
    pages = list(walk(dead, newest_first=newest_first))
    shown = [jid for page in pages for jid in page]
    assert len(pages) == 12
    assert len(shown) == len(set(shown)) == 300
    order = list(dead.entries(newest_first=newest_first))
    assert shown == [entry.jid for entry in order]


def test_what_goes_meanwhile_hides_nothing(dead: JobSet, raw: redis.Redis) -> None:
    members = {member(number): number // 40 for number in range(200)}
    raw.zadd("dead", members)
    staying = set(random.Random(1).sample(sorted(members), 100))
    shown: list[str] = []
    for page in walk(dead):
        shown += page
        raw.zrem("dead", *(each for each in members if each not in staying))
    wanted = {json.loads(each)["jid"] for each in staying}
    assert wanted <= set(shown)


def test_when_the_place_is_gone_rather_some_come_twice(dead: JobSet, raw: redis.Redis) -> None:
    raw.zadd("dead", {member(number): 5 for number in range(60)})
    first = listing(dead, parse(""))
    assert first.behind is not None
    raw.zrem("dead", first.entries[-1].raw)
    second = listing(dead, parse(""), first.behind)
    left = {entry.jid for entry in dead}
    rest = [jid for page in _from(dead, first.behind) for jid in page]
    assert left == set(rest)
    assert len(second.entries) == 25


def _from(dead: JobSet, begin: str | None) -> Iterator[list[str]]:
    while begin is not None:
        page = listing(dead, parse(""), begin)
        yield [entry.jid for entry in page.entries]
        begin = page.behind


def test_a_filter_is_looked_for_a_time_and_goes_on_from_there(
    dead: JobSet, raw: redis.Redis
) -> None:
    raw.zadd("dead", {member(number): number for number in range(2500)})
    raw.zadd("dead", {member(7, text="needle in hay"): 3})
    begin: str | None = ""
    found, looks = [], 0
    while begin is not None:
        page = listing(dead, parse("needle"), begin, within=0.0)
        found += page.entries
        assert page.done is (page.behind is None)
        begin, looks = page.behind, looks + 1
    assert [entry["text"] for entry in found] == ["needle in hay"]
    assert looks >= 3
    assert [entry.jid for page in walk(dead, "class:Kind1") for entry in ()] == []
    assert sum(len(page) for page in walk(dead, "class:Kind1")) == 834 - (7 % 3 != 1)


def test_the_very_entry_of_a_place(dead: JobSet, raw: redis.Redis) -> None:
    raw.zadd("dead", {member(1): 5, member(2): 5, b"\xff\x00": 5})
    for entry in dead:
        found = entry_at(dead, place_of(entry))
        assert found is not None
        assert (found.raw, found.score) == (entry.raw, 5.0)
    assert entry_at(dead, "5.0~0123456789abcdef") is None
    with pytest.raises(ConfigError, match="is no place in a set"):
        entry_at(dead, "5.0~'; drop")


@pytest.mark.parametrize("score", [-1.5, 0.0, 1e-7, 1.8e9, 1e300, float("inf")])
def test_any_score_is_a_place(dead: JobSet, raw: redis.Redis, score: float) -> None:
    raw.zadd("dead", {member(1): score})
    (entry,) = dead
    found = entry_at(dead, place_of(entry))
    assert found is not None
    assert found.score == score
