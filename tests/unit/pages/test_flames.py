"""Flame graphs: what a document says, and that nothing that is no document gets through."""

from __future__ import annotations

from typing import Any

import pytest

from kiq.pages.profiles.flames import flames_of
from tests.helpers.profiled import document

pytestmark = pytest.mark.needs("werkzeug")

FUNCTIONS = [("perform", "app.py", 3), ("query", "db.py", 10), ("walk", "app.py", 9)]


def test_times_add_up_and_boxes_stand_on_their_callers() -> None:
    calls = [(None, 0), (0, 1), (0, 2), (2, 2)]  # walk calls itself
    found = flames_of(document(FUNCTIONS, calls, [(0, 1.0), (1, 6.0), (3, 3.0), (None, 9.0)]))
    assert found.whole == 10.0
    shown = [(b.name, b.depth, b.left, b.total, b.own) for b in found.boxes]
    assert shown == [
        ("perform", 1, 0.0, 10.0, 1.0),
        ("query", 2, 0.0, 6.0, 6.0),
        ("walk", 2, 6.0, 3.0, 0.0),
        ("walk", 3, 6.0, 3.0, 3.0),
    ]
    assert [(f.name, f.own, f.total) for f in found.functions] == [
        ("query", 6.0, 6.0),
        ("walk", 3.0, 3.0),
        ("perform", 1.0, 10.0),
    ]


def test_what_is_too_narrow_or_too_deep_is_left_out() -> None:
    calls = [(None, 0), (0, 1)]
    found = flames_of(document(FUNCTIONS, calls, [(0, 1000.0), (1, 1.0)]))
    assert [box.name for box in found.boxes] == ["perform"]
    deep = [(None, 0), *((at, 2) for at in range(300))]
    found = flames_of(document(FUNCTIONS, deep, [(300, 5.0)]))
    assert found.depth == 80
    assert found.whole == 5.0


def test_a_recording_without_samples_is_empty() -> None:
    found = flames_of(document(FUNCTIONS, [], []))
    assert (found.whole, found.depth, list(found.boxes)) == (0.0, 0, [])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"threads": []},
        {"threads": [7]},
        {"threads": [{"stackTable": {"frame": [0], "prefix": [0]}}]},
        document(FUNCTIONS, [(0, 0)], []),  # called by itself
        document(FUNCTIONS, [(5, 0)], []),  # by one that comes later
        document(FUNCTIONS, [(None, 9)], []),  # a function that is not there
        document(FUNCTIONS, [(None, 0)], [(4, 1.0)]),
        document(FUNCTIONS, [(None, 0)], [(0, "long")]),  # type: ignore[list-item]
    ],
)
def test_what_is_no_document_says_so(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it is no document of a profile"):
        flames_of(broken)
