"""The 26 buckets of Sidekiq's histograms: which one a time falls into, and what they tell."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

#: The upper bounds in milliseconds; a time that equals one falls into the next bucket.
BOUNDS = (
    *(20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1_100, 1_700, 2_500, 3_800, 5_750, 8_500),
    *(13_000, 20_000, 30_000, 45_000, 65_000, 100_000, 150_000, 225_000, 335_000),
)
COUNT = len(BOUNDS) + 1  # the last bucket has no bound
_SECONDS = tuple(bound / 1000 for bound in BOUNDS)
FIRST_BOUND = _SECONDS[0]  # seconds


def bucket(seconds: float) -> int:
    """Return the number of the bucket of *seconds*."""
    return bisect_right(_SECONDS, seconds)


def count_into(
    counts: list[int], times: list[float], shortest: float, longest: float, offset: float = 0.0
) -> None:
    """Add *times*, each plus *offset* seconds, to the *counts* of the buckets. Sorts *times*."""
    first, last = bucket(shortest + offset), bucket(longest + offset)
    if first == last:
        counts[first] += len(times)  # nearly always: a batch is of one kind
        return
    times.sort()  # and then in C: a call for each time would cost five times as much
    begin = 0
    for number in range(first, last):
        end = bisect_left(times, _SECONDS[number] - offset, begin)
        counts[number] += end - begin
        begin = end
    counts[last] += len(times) - begin


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return a time, in seconds, that *share* (0 to 1) of the counted ones did not exceed.

    None where nothing was counted. It is read off a straight line through the bucket, so it is right
    within the bucket's bounds; beyond the last bound it is that bound.
    """
    total = sum(counts)
    if not total:
        return None
    sought, below = share * total, 0
    for number, count in enumerate(counts):
        if count and below + count >= sought:
            low = _SECONDS[number - 1] if number else 0.0
            high = _SECONDS[number] if number < len(_SECONDS) else low
            return low + (high - low) * (sought - below) / count
        below += count
    return _SECONDS[-1]
