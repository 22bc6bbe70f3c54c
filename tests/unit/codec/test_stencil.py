"""A stencil writes the very bytes that the codec writes, or leaves the payload to it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.codec import Stencil, encode, made_at
from kiq.errors import ArgumentError

JID = "0123456789abcdef01234567"
NOW = 1_795_326_066_695

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary()
    | st.decimals(allow_nan=False)
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
names = st.text(st.characters(codec="utf-8"), min_size=1)
options = st.fixed_dictionaries(
    {"retry": st.booleans() | st.integers(0, 99), "queue": names},
    optional={
        "tags": st.lists(names),
        "backtrace": st.booleans(),
        **{f"own{n}": scalars for n in range(12)},  # a map of more than 15 fields begins otherwise
    },
)


def payload(options: dict[str, Any], args: list[Any]) -> dict[str, Any]:
    job = {**options, "class": "app.Work", "args": args, "jid": JID}
    return {**job, "created_at": NOW, "enqueued_at": NOW}


@given(options, st.lists(values, max_size=20))
def test_a_stencil_writes_what_the_codec_writes(options: dict[str, Any], args: list[Any]) -> None:
    stencil = Stencil("app.Work", options)
    raw = stencil.filled(tuple(args), JID.encode(), made_at(NOW))
    assert raw == encode(payload(options, args), "msgpack")


class Colour(IntEnum):
    RED = 1


class Text(str):
    """A str that would come back as another type."""


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: 2},
        {"a": {2: 3}},
        [bytearray(b"x")],
        memoryview(b"x"),
        Colour.RED,
        Text("x"),
        "\ud800",
        2**64,
        datetime(2026, 1, 1),
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_needs_a_look_is_left_to_the_codec(value: Any) -> None:
    stencil = Stencil("app.Work", {"retry": True, "queue": "default"})
    assert stencil.filled([1, value], JID.encode(), made_at(NOW)) is None
    assert stencil.filled([1, Decimal(2), datetime.now(UTC)], JID.encode(), made_at(NOW))


@pytest.mark.parametrize(("levels", "fits"), [(98, True), (99, False)])
def test_arguments_nest_as_deep_as_the_codec_allows(levels: int, fits: bool) -> None:
    options, nested = {"retry": True, "queue": "default"}, 1
    deep: Any = nested
    for _ in range(levels):
        deep = [deep]
    raw = Stencil("app.Work", options).filled([deep], JID.encode(), made_at(NOW))
    assert (raw is not None) is fits
    if fits:
        assert raw == encode(payload(options, [deep]), "msgpack")
    else:
        with pytest.raises(ArgumentError, match="nested deeper"):
            encode(payload(options, [deep]), "msgpack")
