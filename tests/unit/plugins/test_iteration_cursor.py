"""Cursors come back equal, or are refused."""

from __future__ import annotations

import datetime
import json
import uuid
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.errors import PayloadError
from kiq.plugins.iteration.cursor import LONGEST, read_cursor, write_cursor

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC)).map(lambda at: at.replace(fold=0))
    | st.dates()
    | st.times().map(lambda at: at.replace(fold=0))
    | st.decimals(allow_nan=False)
    | st.uuids()
)
keys = st.text().filter(lambda key: not key.startswith("~"))
cursors = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=10,
)


@given(cursors)
def test_a_cursor_comes_back_equal_and_of_the_same_type(cursor: Any) -> None:
    back = read_cursor(write_cursor(cursor))
    assert back == cursor
    assert repr(back) == repr(cursor)


@pytest.mark.parametrize("cursor", [None, 5, "x", 1.5, [1, "a", None], {"id": 3, "page": [1]}])
def test_what_json_has_words_for_is_plain_json(cursor: Any) -> None:
    assert json.loads(write_cursor(cursor)) == cursor


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "cursor",
    [
        object(),
        {1: 2},
        {"~date": "x"},
        {1, 2},
        float("nan"),
        float("inf"),
        Colour.RED,
        lambda: None,
        [[object()]],
        "x" * LONGEST,
        [10**5000],
    ],
)
def test_what_would_not_come_back_is_refused(cursor: Any) -> None:
    with pytest.raises(PayloadError, match="cursor"):
        write_cursor(cursor)


def test_a_cursor_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(PayloadError, match="deeper"):
        write_cursor(loop)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff",
        '{"~uuid": 5}',
        '{"~uuid": "x"}',
        '{"~date": null}',
        '{"~decimal": []}',
        '{"~tuple": 3}',
        '{"~bytes": "a"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_cursor_is_refused(text: Any) -> None:
    with pytest.raises(PayloadError, match="is no cursor"):
        read_cursor(text)


def test_no_text_is_no_cursor() -> None:
    assert read_cursor(None) is None
    assert read_cursor(write_cursor(uuid.UUID(int=5))) == uuid.UUID(int=5)
    assert read_cursor(write_cursor(Decimal("1.10"))).as_tuple() == Decimal("1.10").as_tuple()
