"""The lines above and below each page."""

from __future__ import annotations

import dataclasses
import re

import pytest

from kiq.top.framing import compact, footer_lines, header_lines
from kiq.top.picture import Ask, Cell, Figures, Page, Picture, Place
from kiq.top.standing import Path

pytestmark = pytest.mark.needs("textual")


class Home:
    where = "redis://localhost:6379/0"


class Fleet:
    name, environment, home = "main", "production", Home()


def figures(size: int) -> Picture:
    numbers = dict.fromkeys((each.name for each in dataclasses.fields(Figures)), size)
    return Picture(Ask(0, Place("now")), Figures(**{**numbers, "at": 0.0}), Page())


def texts(lines: object) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [0, 7, 999, 9_999, 123_456, 1_234_567])
def test_all_figures_are_seen_on_80_columns(size: int) -> None:
    picture = figures(size)
    if size > 999:
        picture = dataclasses.replace(
            picture, figures=dataclasses.replace(picture.figures, busy=12, threads=400)
        )
    shown = texts(header_lines(Fleet(), Path(), picture, 80, 0.0, False))  # type: ignore[arg-type]
    assert len(shown[1].rstrip()) <= 80
    assert shown[1].rstrip().endswith((f"dead {size:,}", f"dead {compact(size)}"))


def test_all_views_are_named_on_80_columns_and_the_fleet_is_always_seen() -> None:
    shown = texts(header_lines(Fleet(), Path(), None, 80, 0.0, True))  # type: ignore[arg-type]
    assert shown[0].startswith("kiq top  main  production  FROZEN  redis://localhost:6379/0")
    assert len(shown[0]) == 80
    assert shown[2] == (
        "1 Now 2 Queues 3 Running 4 Failures 5 Scheduled 6 Periodic 7 Classes 8 Processes"
    )
    assert len(shown[2]) == 80


def test_an_address_that_is_long_hides_neither_clock_nor_what_is_frozen() -> None:
    class Far:
        where = "redis://" + "x" * 100

    class Distant(Fleet):
        home = Far()  # type: ignore[assignment]

    shown = texts(header_lines(Distant(), Path(), None, 80, 0.0, True))  # type: ignore[arg-type]
    assert len(shown[0]) == 80
    assert "FROZEN" in shown[0]
    assert re.search(r"\d\d:\d\d:\d\d$", shown[0])


def test_what_is_wrong_with_redis_goes_before_what_was_done() -> None:
    shown = texts(footer_lines("Redis away for 3 s", "paused mail", [[Cell("R retry")]]))
    assert shown[0] == "Redis away for 3 s"
    assert shown[1] == "R retry"
    assert len(shown[-1]) <= 80


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (999, "999"),
        (9_999, "9.9k"),
        (10_000, "10k"),
        (999_999, "999k"),
        (1_250_000, "1.2M"),
    ],
)
def test_numbers_are_short_where_there_is_little_room(value: int, told: str) -> None:
    assert compact(value) == told
