"""When the jobs of the scheduled set fall due: ``kiq.api.coming``, and the histogram of the page."""

from __future__ import annotations

import time

import pytest
import redis

from kiq.api import coming


def due(raw: redis.Redis, *ats: float) -> None:
    raw.zadd("schedule", {f"job {number} {at}": at for number, at in enumerate(ats)})


def test_each_job_is_in_one_part_overdue_or_behind(redis_url: str, raw: redis.Redis) -> None:
    width = 3600.0
    first = time.time() // width * width
    ats = [first - 9000, first + width, first + 2 * width - 0.5, first + 3 * width, first + 9e6]
    due(raw, *ats)
    found = coming(redis_url, width=width, parts=4)
    # The hour may have begun anew between the two looks at the clock.
    moved = int((found.begin - first) // width)
    assert found.overdue >= 1
    assert found.behind == 1
    assert found.overdue + sum(found.counts) + found.behind == len(ats)
    if not moved:
        assert list(found.counts) == [0, 2, 0, 1]
        assert found.busiest == 1
        assert found.starts(1) == first + width


def test_what_is_due_and_not_late_yet_stands_in_the_first_part(
    redis_url: str, raw: redis.Redis
) -> None:
    seconds, _ = raw.time()
    due(raw, seconds + 30)
    found = coming(redis_url, width=1.0, parts=500)
    assert (found.overdue, found.behind) == (0, 0)
    assert sum(found.counts) == 1


def test_of_nothing_nothing_comes(redis_url: str) -> None:
    found = coming(redis_url)
    assert (found.overdue, sum(found.counts), found.behind, found.busiest) == (0, 0, 0, None)


@pytest.mark.parametrize(("width", "parts"), [(0, 5), (-1, 5), (60, 0), (60, 501)])
def test_what_is_no_time_is_refused(redis_url: str, width: float, parts: int) -> None:
    with pytest.raises(ValueError, match="coming takes"):
        coming(redis_url, width=width, parts=parts)


def test_no_job_is_read(redis_url: str, raw: redis.Redis) -> None:
    raw.config_resetstat()
    coming(redis_url)
    sent = {name.removeprefix("cmdstat_") for name in raw.info("commandstats")}
    assert {"time", "zcount"} <= sent
    assert not {name for name in sent if name.startswith(("zrange", "zscan", "eval"))}
