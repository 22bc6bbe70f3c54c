"""A stencil writes the very bytes that the codec writes, or leaves the payload to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.codec import STENCILS, Codec, Stencil, coding, encode
from kiq.codec.stencil import JsonStencil
from kiq.errors import ArgumentError

JID = "0123456789abcdef01234567"
OPTIONS: dict[str, Any] = {"retry": True, "queue": "default"}
NOW = 1_795_326_066_695

plain = st.none() | st.booleans() | st.text(st.characters(codec="utf-8"))
scalars: dict[Codec, st.SearchStrategy[Any]] = {
    "msgpack": plain
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.binary()
    | st.decimals(allow_nan=False),
    "json": plain | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
}
names = st.text(st.characters(codec="utf-8"), min_size=1)
CODECS: list[Codec] = ["msgpack", "json"]


def values(codec: Codec) -> st.SearchStrategy[Any]:
    keys = st.text(st.characters(codec="utf-8"))
    return st.recursive(
        scalars[codec], lambda inner: st.lists(inner) | st.dictionaries(keys, inner)
    )


def options(codec: Codec) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"retry": st.booleans() | st.integers(0, 99), "queue": names},
        optional={
            "tags": st.lists(names),
            "backtrace": st.booleans(),
            # A map of more than 15 fields begins otherwise.
            **{f"own{n}": scalars[codec] for n in range(12)},
        },
    )


def payload(options: dict[str, Any], args: list[Any]) -> dict[str, Any]:
    job = {**options, "class": "app.Work", "args": args, "jid": JID}
    return {**job, "created_at": NOW, "enqueued_at": NOW}


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_a_stencil_writes_what_the_codec_writes(codec: Codec, data: st.DataObject) -> None:
    given, args = data.draw(options(codec)), data.draw(st.lists(values(codec), max_size=20))
    stencil = STENCILS[codec]("app.Work", given)
    raw = stencil.filled(tuple(args), JID.encode(), stencil.made_at(NOW))
    assert raw == encode(payload(given, args), codec)


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
    stencil = Stencil("app.Work", OPTIONS)
    assert stencil.filled([1, value], JID.encode(), stencil.made_at(NOW)) is None
    assert stencil.filled([1, Decimal(2), datetime.now(UTC)], JID.encode(), stencil.made_at(NOW))


@pytest.mark.parametrize(
    "value",
    [
        *((1, 2), {1: 2}, b"x", Colour.RED, Text("x"), "\ud800", Decimal(2), object()),
        *(float("nan"), float("inf"), datetime.now(UTC), {"a": [b"x"]}, {"\ud800": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_can_t_carry_is_left_to_the_codec(value: Any) -> None:
    stencil = JsonStencil("app.Work", OPTIONS)
    assert stencil.filled([1, value], JID.encode(), stencil.made_at(NOW)) is None
    assert stencil.filled([1, 2**64, "ü", None], JID.encode(), stencil.made_at(NOW))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("levels", "fits"), [(98, True), (99, False)])
def test_arguments_nest_as_deep_as_the_codec_allows(codec: Codec, levels: int, fits: bool) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = [deep]
    stencil = STENCILS[codec]("app.Work", OPTIONS)
    raw = stencil.filled([deep], JID.encode(), stencil.made_at(NOW))
    assert (raw is not None) is fits
    if fits:
        assert raw == encode(payload(OPTIONS, [deep]), codec)
    else:
        with pytest.raises(ArgumentError, match="nested deeper"):
            encode(payload(OPTIONS, [deep]), codec)


def test_without_the_quick_encoder_json_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = payload(OPTIONS, ["Grüße", 1.5, None, {"a": [True]}])
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert coding._json_writer()(whole) == coding.json_text(whole)
