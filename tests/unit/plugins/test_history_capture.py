"""What is captured of a log stays within its bounds, whatever is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.plugins.history.capture import LONGEST, MOST, Captured, captured, listen
from kiq.plugins.history.runs import Run, Runs


def record(message: str, *args: Any) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, message, args, None)


@given(
    st.lists(st.one_of(st.integers(0, 3000), st.just(20)), max_size=300),
    st.integers(1, 1000),
)
def test_lines_and_bytes_are_bounded_and_what_is_cut_is_said(sizes: list[int], most: int) -> None:
    mine = Captured(most)
    for number, size in enumerate(sizes):
        mine.add(record(f"{number} " + "x" * size))
    lines = mine.text().split("\n") if sizes else []
    kept = [line for line in lines if not line.startswith("… ")]
    cut = [line for line in lines if line.startswith("… ")]
    assert len(kept) <= most
    assert sum(map(len, kept)) <= MOST
    assert len(cut) == (1 if len(kept) < len(sizes) else 0)
    if cut:
        assert int(cut[0].split()[1].replace(",", "")) == len(sizes) - len(kept)
    numbers = [int(line.split()[2]) for line in kept]
    assert numbers == sorted(numbers)
    assert all(len(line) < LONGEST + 100 for line in kept)
    if len(sizes) <= most and sum(sizes) < MOST / 2:
        assert numbers == list(range(len(sizes)))


def test_a_line_whose_arguments_do_not_fit_is_kept_all_the_same() -> None:
    mine = Captured(5)
    mine.add(record("%d", "no number"))
    assert "its arguments don't fit: TypeError" in mine.text()


@pytest.fixture
def factory() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


def test_a_line_is_kept_once_whoever_has_put_his_own_around(factory: None) -> None:
    listen()
    ours = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **more: ours(*args, **more))
    listen()
    mine = Captured(5)
    token = captured.set(mine)
    logging.getLogger("anybody").error("once")
    captured.reset(token)
    logging.getLogger("anybody").error("not mine")
    assert [line.split(" ", 1)[1] for line in mine.text().split("\n")] == ["ERROR once"]


def test_a_run_is_told_for_its_own_delivery_only() -> None:
    runs = Runs()
    runs.add("a", Run(1.0, None))
    assert runs.of("a", "") is None
    assert runs.of("a", "owner 1.1") is not None
    assert runs.of("a", "owner 1.1") is not None, "a write may be sent again"
    assert runs.of("a", "owner 2.1") is None, "that one did not start"
    runs.add("a", Run(2.0, None))
    assert runs.of("a", "owner 3.1") is not None


def test_runs_that_are_kept_are_bounded() -> None:
    runs = Runs()
    for number in range(6000):
        runs.add(str(number), Run(1.0, None))
    assert len(runs._known) == 5000
    for number in range(300):
        runs.add(f"log {number}", Run(1.0, None, log="x" * 60_000))
    assert runs._size <= 8_000_000
    assert runs.of("log 299", "t") is not None
