"""Bands of queues, as a worker keeps account of them."""

from __future__ import annotations

import random

from kiq import keys
from kiq.work.bands import WEIGHTS, Bands

HIGH, LOW = keys.band("a", "high"), keys.band("a", "low")


def known(*names: str, draw: float = 0.0) -> Bands:
    bands = Bands(["a", "b"], lambda: draw)
    bands.seen(names, [1] * len(names), 1.0)
    return bands


def due(bands: Bands, queue: str = "a") -> dict[str, float]:
    """When the next job of each list brings it its turn, beside the queue's own."""
    own = 1.0
    return {queue: own} | {band.name: band.ahead + 1 / band.weight for band in bands.of([queue])}


def test_all_bands_of_all_queues_are_sought_and_the_known_ones_no_more() -> None:
    bands = Bands(["a", "b"])
    sought = bands.sought()
    assert sorted(sought) == sorted(
        [HIGH, LOW, *(keys.band("b", each) for each in ("high", "low"))]
    )
    assert bands.seen(sought, [1, 0, 0, 0], 5.0) == [sought[0]]
    assert sought[0] not in bands.sought()
    assert bands.look_at == 6.0


def test_with_many_queues_each_is_asked_about_in_its_turn() -> None:
    bands = Bands([f"q{number}" for number in range(500)])
    asked: list[str] = []
    for _ in range(5):
        sought = bands.sought()
        assert len(sought) == 200
        asked += sought
        bands.seen(sought, [0] * len(sought), 0.0)
    assert len(set(asked)) == 1000


def test_a_reply_that_tells_nothing_teaches_nothing() -> None:
    bands = Bands(["a"])
    assert bands.seen(bands.sought(), [], 0.0) == []
    assert len(bands.sought()) == 2
    assert bands.of(["a"]) == []
    assert bands.names_of("a") == ["a"]


def test_who_was_rung_in_vain_looks_soon_and_not_without_end() -> None:
    bands = known(HIGH)
    bands.rung_in_vain(1.5)
    assert bands.look_at == 1.5
    bands.seen([LOW], [0], 1.5)
    bands.rung_in_vain(1.51)
    assert bands.look_at == 1.55


def test_at_first_the_higher_is_next() -> None:
    for draw in (0.0, 0.5, 1.0):
        order = due(known(HIGH, LOW, draw=draw))
        assert order[HIGH] < order["a"] + 1e-9 < order[LOW] + 2e-9, draw


def test_ten_of_a_band_make_up_for_one_of_the_band_below() -> None:
    bands = known(HIGH, LOW)
    bands.took({"a": 0, HIGH: 10, LOW: 0}, {})
    order = due(bands)
    assert order[HIGH] > order["a"]
    bands.took({"a": 1, HIGH: 0, LOW: 0}, {})
    assert due(bands)[HIGH] < due(bands)["a"]


def test_a_list_that_had_nothing_earns_nothing() -> None:
    bands = known(HIGH, LOW)
    bands.took({"a": 1_000, HIGH: 0, LOW: 0}, {HIGH: True, LOW: True})
    ahead = {band.name: band.ahead for band in bands.of(["a"])}
    assert ahead == {HIGH: 0.0, LOW: 0.0}


def test_what_it_had_counts_though_it_has_nothing_left() -> None:
    bands = known(LOW)
    bands.took({"a": 1, LOW: 1}, {LOW: True})
    assert {band.name: band.ahead for band in bands.of(["a"])} == {LOW: 9.0}


def test_a_band_that_comes_back_stands_elsewhere_in_its_turn_in_each_process() -> None:
    dice = random.Random(1)
    places = []
    for _ in range(200):
        bands = Bands(["a"], dice.random)
        bands.seen([HIGH, LOW], [1, 1], 0.0)
        bands.took({"a": 50, HIGH: 0, LOW: 0}, {LOW: True, HIGH: True})
        places.append(due(bands)[LOW])
    assert min(places) < 2.0
    assert max(places) > 9.0
    assert min(places) >= 1 / WEIGHTS[""]  # one of the band above comes first


def test_another_queue_has_none_of_it() -> None:
    bands = known(HIGH)
    bands.took({"b": 5}, {"b": True})
    assert bands.of(["b"]) == []
    assert [band.name for band in bands.of(["b", "a"])] == [HIGH]
