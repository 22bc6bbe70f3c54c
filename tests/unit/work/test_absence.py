"""Who is dead by the lease: seen often enough without one, and without a beat in between."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiq.work.absence import SIGHTINGS, Absence, round_of

NOW = 1_800_000_000.0
LEASE = 60.0


def looked(absence: Absence, *times: float, lease: float = LEASE) -> Absence:
    """What *absence* is after looks at *times* (seconds from NOW)."""
    for time in times:
        absence = Absence.read(str(absence)).seen(NOW + time, lease)
    return absence


def test_so_many_looks_with_a_pause_each_time_prove_a_death() -> None:
    pauses = [2.0 * n for n in range(SIGHTINGS)]
    assert not looked(Absence(), *pauses[:-1]).proves_death
    assert looked(Absence(), *pauses).proves_death


def test_looks_without_a_pause_count_once() -> None:
    assert looked(Absence(), *(0.01 * n for n in range(100))) == Absence(1, NOW)


def test_looks_that_come_a_little_early_count() -> None:
    assert looked(Absence(), *(1.85 * n for n in range(SIGHTINGS))).proves_death


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 1e9])
def test_a_clock_that_jumps_makes_one_look_count_too_early_and_no_more(jump: float) -> None:
    before = looked(Absence(), 0.0)
    after = looked(before, jump, jump + 0.1, jump + 0.2)
    assert after.sightings == 2


def test_after_an_hour_without_a_look_one_more_counts_as_one_more() -> None:
    assert looked(Absence(), 0.0, 3600.0).sightings == 2


def test_a_short_lease_is_looked_at_in_a_shorter_round() -> None:
    assert (round_of(5.0), round_of(60.0)) == (5.0 / 6, 2.0)
    assert looked(Absence(), *(0.8 * n for n in range(SIGHTINGS)), lease=5.0).proves_death


@pytest.mark.parametrize("text", ["", "nonsense", "3", "@", "x@y", "3@", "3@1@2"])
def test_a_note_that_says_nothing_is_none(text: str) -> None:
    assert Absence.read(text) == Absence()


@given(st.integers(0, 100), st.floats(0, 4e9))
def test_a_note_is_read_as_it_was_written(sightings: int, at: float) -> None:
    read = Absence.read(str(Absence(sightings, at)))
    assert read.sightings == sightings
    assert read.at == pytest.approx(at, abs=1e-6)


@example(lease=30.0, gaps=[(22.93007809471857, 0.0)] + [(0.0, 0.0)] * 5)
@given(
    lease=st.floats(5, 120),
    gaps=st.lists(st.tuples(st.floats(0, 30), st.floats(-5000, 5000)), max_size=60),
)
def test_who_beats_is_never_dead_however_clocks_jump_and_looks_come(
    lease: float, gaps: list[tuple[float, float]]
) -> None:
    """Each gap is so many seconds until the next look, and by how much Redis's clock jumps meanwhile.

    The worst there is: its lease is missing at every look. It beats at least every other interval.
    """
    beat_every = 2 * min(5.0, lease / 6)
    absence, real, skew, last_beat = Absence(), 0.0, 0.0, 0.0
    for pause, jump in gaps:
        real, skew = real + max(pause, round_of(lease)), skew + jump
        if real - last_beat >= beat_every - 1e-6:  # sums of seconds are not exact
            absence, last_beat = Absence(), real
        absence = absence.seen(NOW + real + skew, lease)
        assert not absence.proves_death


@given(
    lease=st.floats(5, 120),
    lives=st.lists(st.integers(1, 5), min_size=6, max_size=6),
    gap=st.floats(1, 600),
)
def test_whoever_looks_each_life_brings_the_proof_nearer(
    lease: float, lives: list[int], gap: float
) -> None:
    """Reclaimers that live for a few looks only, with any time between them."""
    absence, now = Absence(), NOW
    for looks in lives:
        for _ in range(looks):
            absence = absence.seen(now, lease)
            now += round_of(lease)
        now += gap
    assert absence.proves_death
