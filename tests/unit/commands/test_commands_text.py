"""What commands show: visible, short, and as wide as the terminal."""

from __future__ import annotations

import datetime
import decimal
import json

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.commands.plain import plain
from kiq.commands.table import Column, render
from kiq.commands.text import arguments, cut, duration, moment, visible, width_of
from kiq.commands.values import moment as read_moment
from kiq.commands.values import seconds


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x9b31m", "a\r\nb", "\u202eabc", "\x7f", "\ud800", "\0"]
)
def test_nothing_that_acts_on_a_terminal_is_shown_as_it_is(evil: str) -> None:
    shown = visible(f"before{evil}after")
    assert shown.isprintable()
    assert shown.startswith("before")
    assert shown.endswith("after")


@given(st.text())
def test_what_is_shown_is_always_printable_and_printable_text_stays(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "M"])), st.integers(1, 30))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    for tail in (False, True):
        shown = cut(text, width, tail=tail)
        assert width_of(shown) <= width
        assert shown == text or "…" in shown


def test_the_tail_of_a_text_can_be_what_stays() -> None:
    assert cut("app.mailers.WelcomeJob", 12, tail=True) == "….WelcomeJob"
    assert cut("日本語", 5) == "日本…"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0.01, "0 s"),
        (0.44, "0.4 s"),
        (17.9, "17 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_599, "59 min"),
        (12_000, "3 h 20 min"),
        (86_400 * 12.5, "12 d"),
        (float("inf"), "?"),
        (float("nan"), "?"),
    ],
)
def test_durations_have_one_or_two_units(span: float, text: str) -> None:
    assert duration(span) == text


def test_moments_are_seen_from_now() -> None:
    assert moment(1000.0, 940.0) == "in 1 min"
    assert moment(940.0, 1000.0) == "1 min ago"
    assert moment(float("inf"), 0.0) == "never"
    assert moment(None, 0.0) == "?"


def test_arguments_are_json_and_nothing_in_them_acts() -> None:
    assert arguments(["Bob", 5, None], {"loud": True}) == '"Bob", 5, null, loud=true'
    assert arguments([b"\x1b[2J"], {}) == "b'\\x1b[2J'"
    assert arguments(["\x1b[2J\n"], {"k\x1b": "\u202e"}).isprintable()
    huge = arguments(["x" * 10_000_000], {})
    assert len(huge) == 2001
    assert huge.endswith("x…")
    assert arguments(["x" * 3000], {}, 5000) == '"' + "x" * 3000 + '"'


def test_arguments_that_are_nested_too_deeply_are_not_shown() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert "too deeply" in arguments(deep, {})


def test_what_json_lacks_is_replaced() -> None:
    value = {
        "bytes": b"\xff",
        "day": datetime.date(2030, 1, 31),
        "nan": float("nan"),
        "sum": decimal.Decimal("1.50"),
        b"key": (1, {2}),
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {
        "bytes": {"base64": "/w=="},
        "day": "2030-01-31",
        "nan": "nan",
        "sum": "1.50",
        "key": [1, [2]],
    }


COLUMNS = [
    Column("jid"),
    Column("class", least=8, tail=True),
    Column("size", right=True, spare=1),
    Column("error", least=8, spare=2),
]
ROWS = [["0123456789", "app.mailers.WelcomeJob", "1,000", "ConnectionRefusedError: nobody"]]


@pytest.mark.parametrize("screen", [200, 60, 45, 30, 20])
def test_a_table_fits_its_screen_or_has_dropped_all_that_it_may(screen: int) -> None:
    lines = list(render(COLUMNS, ROWS, screen))
    assert all(width_of(line) <= max(screen, 10 + 2 + 8) for line in lines)
    assert "0123456789" in lines[1]
    assert ("error" in lines[0]) == (screen >= 45)


def test_without_a_screen_nothing_is_cut_and_columns_stand_under_each_other() -> None:
    head, row = render(COLUMNS, ROWS, None)
    assert row.split("  ")[-1] == "ConnectionRefusedError: nobody"
    assert click.unstyle(head).index("error") == row.index("ConnectionRefusedError")


def test_a_table_reads_rows_as_it_writes_them() -> None:
    taken = []

    def rows() -> object:
        for number in range(10_000):
            taken.append(number)
            yield [str(number), "", "", ""]

    lines = render(COLUMNS, rows(), None)  # type: ignore[arg-type]
    next(lines)
    assert len(taken) < 1000


def test_colours_take_no_room() -> None:
    columns = [Column("state"), Column("name")]
    rows = [[click.style("on", fg="red"), "a"], ["off", "b"]]
    _, first, second = map(click.unstyle, render(columns, rows, 40))
    assert first.index("a") == second.index("b")


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("1.5", 1.5), ("10m", 600), ("1h30m", 5400), ("2 d", 172_800)]
)
def test_durations_are_read(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-5", "5x", "1h 30", "1e400", "9" * 400, "9999w"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter):
        seconds(text)


def test_moments_are_read_with_their_zone_only() -> None:
    assert read_moment("2030-01-31T12:00:00Z") == read_moment("2030-01-31T13:00:00+01:00")
    assert read_moment("1900000000") == 1_900_000_000
    for text in ("2030-01-31", "2030-01-31T12:00:00", "tomorrow", "17"):
        with pytest.raises(click.BadParameter):
            read_moment(text)
