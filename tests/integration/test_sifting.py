"""Pages of what a sorted set names: nothing is passed over, nothing comes twice, ties and all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from kiq import api
from kiq.api.sifting import Sifted, sift
from kiq.errors import ConfigError

KEY = "some:set"


def fill(raw: redis.Redis, count: int, score: float | None = None) -> list[str]:
    names = [f"n{number:03}" for number in range(count)]
    raw.zadd(KEY, {name: number if score is None else score for number, name in enumerate(names)})
    return names


def every(names: Sequence[str]) -> list[str | None]:
    return list(names)


def walk(url: str, **more: object) -> list[Sifted[str]]:
    home, begin, found = api.connection(url), "", []
    while True:
        page = sift(home, KEY, every, begin, **more)  # type: ignore[arg-type]
        found.append(page)
        if page.behind is None:
            return found
        begin = page.behind


def names_of(pages: Sequence[Sifted[str]]) -> list[str]:
    return [name for page in pages for name in page.found]


@pytest.mark.parametrize("score", [None, 5.5], ids=["scores of their own", "one score"])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("all_are_meant", [True, False])
def test_a_walk_meets_each_once_in_order(
    redis_url: str, raw: redis.Redis, score: float | None, newest_first: bool, all_are_meant: bool
) -> None:
    names = fill(raw, 37, score)
    pages = walk(redis_url, newest_first=newest_first, all_are_meant=all_are_meant, limit=5)
    assert names_of(pages) == (names[::-1] if newest_first else names)
    assert [len(page.found) for page in pages] == [5] * 7 + [2]


def test_what_comes_and_goes_meanwhile_hides_nothing(redis_url: str, raw: redis.Redis) -> None:
    names = fill(raw, 20)
    home = api.connection(redis_url)
    first = sift(home, KEY, every, limit=5)
    raw.zrem(KEY, names[15], names[14])  # the last of the page, and one that would come next
    raw.zadd(KEY, {"new": 100})
    second = sift(home, KEY, every, first.behind or "", limit=5)
    assert list(second.found) == names[13:8:-1]


def test_those_that_are_not_meant_are_left_out(redis_url: str, raw: redis.Redis) -> None:
    names = fill(raw, 30)

    def odd(some: Sequence[str]) -> list[str | None]:
        return [name if int(name[1:]) % 2 else None for name in some]

    home = api.connection(redis_url)
    page = sift(home, KEY, odd, all_are_meant=False, newest_first=False, limit=5)
    assert list(page.found) == names[1:11:2]
    assert page.done


def test_a_search_ends_after_its_time_and_goes_on_from_there(
    redis_url: str, raw: redis.Redis
) -> None:
    fill(raw, 450)

    def last(some: Sequence[str]) -> list[str | None]:
        return [name if name == "n000" else None for name in some]

    home, begin, looked = api.connection(redis_url), "", []
    while True:
        page = sift(home, KEY, last, begin, all_are_meant=False, within=-1.0)
        looked.append(page.looked_at)
        if page.behind is None:
            break
        assert not page.done
        begin = page.behind
    assert sum(looked) == 450
    assert len(looked) == 4  # three slices, and that there is nothing more
    assert not page.found  # it stood in the slice before
    raw.delete(KEY)
    assert sift(home, KEY, every).found == []


@pytest.mark.parametrize("begin", ["x", "5", "nan~x", "~x", "1~" + "x" * 1001])
def test_what_is_no_place_is_refused(redis_url: str, begin: str) -> None:
    with pytest.raises(ConfigError, match="is no place"):
        sift(api.connection(redis_url), KEY, every, begin)
