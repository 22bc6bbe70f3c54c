"""The buckets of Sidekiq's histograms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.plugins.metrics.buckets import BOUNDS, COUNT, bucket, count_into, percentile

TIMES = st.lists(st.floats(0, 400), min_size=1, max_size=60)


def test_times_fall_where_sidekiq_puts_them() -> None:
    for milliseconds, number in ((10, 0), (46, 3), (48, 3), (300, 7), (302, 7), (3e8, 25)):
        assert bucket(milliseconds / 1000) == number


def test_there_are_26_and_a_bound_belongs_to_the_next() -> None:
    assert COUNT == 26
    assert [bucket(bound / 1000) for bound in BOUNDS] == list(range(1, 26))
    assert list(BOUNDS) == sorted(BOUNDS)


@given(TIMES, st.sampled_from([0.0, 1_800_000_000.0]))
def test_a_batch_is_counted_as_its_times_one_by_one_would_be(
    times: list[float], offset: float
) -> None:
    moved = [each - offset for each in times]
    expected = [0] * COUNT
    for each in moved:
        expected[bucket(each + offset)] += 1
    counts = [0] * COUNT
    count_into(counts, moved, min(moved), max(moved), offset)
    assert sum(counts) == len(times)
    if offset == 0:
        assert counts == expected


@given(TIMES, st.floats(0.01, 1))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(times: list[float], share: float) -> None:
    counts = [0] * COUNT
    count_into(counts, list(times), min(times), max(times))
    found = percentile(counts, share)
    assert found is not None
    rank = max(0, min(len(times) - 1, -int(-share * len(times) // 1) - 1))
    number = bucket(sorted(times)[rank])
    low = BOUNDS[number - 1] / 1000 if number else 0
    high = BOUNDS[number] / 1000 if number < len(BOUNDS) else BOUNDS[-1] / 1000
    assert low - 1e-9 <= found <= high + 1e-9


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile([0] * COUNT, 0.5) is None


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_last_bucket_counts_as_its_bound(share: float) -> None:
    counts = [0] * COUNT
    counts[-1] = 4
    assert percentile(counts, share) == 335
