"""The plot of ``kiq stats --watch``."""

from __future__ import annotations

from kiq.commands.plot import drawable, plot


def test_each_value_is_a_column_and_the_last_ones_are_shown() -> None:
    assert plot([0, 1, 2, 4, 8], 4, 1, 8, blocks=True) == ["▁▂▄█"]
    assert plot([8], 10, 1, 8, blocks=True) == ["█"]
    assert plot([], 10, 2, 8, blocks=True) == ["", ""]


def test_a_higher_plot_goes_on_in_the_line_above() -> None:
    assert plot([4, 8, 6], 9, 2, 8, blocks=True) == [" █▄", "███"]
    assert plot([4, 8, 6, 1], 9, 2, 8, blocks=False) == [" #. ", "###."]


def test_little_is_seen_and_nothing_is_not() -> None:
    assert plot([0.001, 0, None, -5, 1e9], 9, 1, 1e6, blocks=True) == ["▁   █"]
    assert plot([0, 0], 9, 1, 0, blocks=True) == ["  "]


def test_blocks_are_drawn_where_they_can_be_written() -> None:
    assert drawable("utf-8")
    assert not drawable("ascii")
    assert not drawable("latin-1")
    assert not drawable(None)
    assert not drawable("no such code")
