"""What is drawn: visible text in the columns that there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kiq.top.painting import Layout, cut, strip_of
from kiq.top.picture import Cell, Column, Row
from kiq.top.sparks import bar, spark

pytestmark = pytest.mark.needs("textual")

COLUMNS = (
    Column("class", least=6, tail=True),
    Column("jid", spare=1),
    Column("arguments", least=8, wide=True),
)


@given(st.text(max_size=40), st.integers(1, 60))
def test_a_line_has_the_width_of_the_screen_and_nothing_that_acts_on_it(
    text: str, width: int
) -> None:
    strip = strip_of([Cell(text, "bad"), Cell(text)], width)
    assert strip.cell_length == width
    assert strip.text.isprintable()


@given(st.text(st.characters(categories=["L", "N", "S"]), max_size=40), st.integers(1, 30))
def test_text_is_cut_to_its_width(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) <= width
    assert cell_len(cut(text, width, tail=True)) <= width
    if cell_len(text) <= width:
        assert cut(text, width) == text


def test_markup_is_text() -> None:
    assert strip_of([Cell("[bold]x[/bold] [true, false]")], 40).text.startswith(
        "[bold]x[/bold] [true"
    )


def shown(width: int) -> list[str]:
    row = Row("1", [Cell("app.jobs.HardWorker"), Cell("a" * 24), Cell('"some", "arguments"')])
    layout = Layout(COLUMNS, [row], width)
    return ["".join(cell.text for cell in each) for each in (layout.titles, layout.line(row.cells))]


def test_columns_shrink_then_the_least_needed_goes() -> None:
    assert shown(80)[1].split() == ["app.jobs.HardWorker", "a" * 24, '"some",', '"arguments"']
    assert shown(44)[1].split()[0].startswith("…")
    assert "jid" in shown(44)[0]
    assert "jid" not in shown(30)[0]
    assert all(cell_len(each) <= width for width in (80, 44, 30, 17) for each in shown(width))


def test_what_room_is_left_the_wide_column_takes() -> None:
    assert cell_len(shown(100)[0]) == 100


def test_a_spark_shows_the_last_values_and_a_bar_its_share() -> None:
    assert spark([0, 1, 2, 4]) == "▁▂▄█"
    assert spark([0, 0]) == "▁▁"
    assert spark([]) == ""
    assert len(spark(list(range(100)), 30)) == 30
    assert bar(0.5, 4) == "██░░"
    assert bar(7, 4) == "████"
