"""What each codec refuses to carry, and what it says about it."""

from __future__ import annotations

import collections
import dataclasses
import enum
import math
import pathlib
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from kiq.codec import Codec, decode, encode
from kiq.errors import ArgumentError

CODECS: tuple[Codec, ...] = ("msgpack", "json")
ABOARD = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30)))


class Mood(enum.StrEnum):
    GOOD = "good"


class Shape(enum.Enum):
    SQUARE = (1, 1)


class Name(str):
    pass


class Count(int):
    pass


@dataclasses.dataclass
class Order:
    number: int


class Scalar:
    """Stands for a numpy scalar, which is told by its shape, not by its package."""

    dtype = "int64"
    shape: tuple[int, ...] = ()

    def item(self) -> int:
        return 1


def job(*args: Any, **fields: Any) -> dict[str, Any]:
    return {"class": "HardWorker", "args": list(args), **fields}


def there_and_back(value: Any, codec: Codec) -> Any:
    body, found = decode(encode(job(value), codec))
    assert found == codec
    return body["args"][0]


def nested(levels: int) -> list[Any]:
    value: list[Any] = [1]
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("codec", CODECS)
def test_nesting_ends_at_a_hundred_levels(codec: Codec) -> None:
    # The payload and its args are the first two.
    assert there_and_back(nested(98), codec) == nested(98)
    with pytest.raises(
        ArgumentError, match=r"^HardWorker: args\[0\].*: nested deeper than 100 lev"
    ):
        encode(job(nested(99)), codec)


@pytest.mark.parametrize("codec", CODECS)
def test_a_value_that_holds_itself_is_refused(codec: Codec) -> None:
    loop: list[Any] = []
    loop += [loop, loop]
    with pytest.raises(ArgumentError, match="nothing that holds itself"):
        encode(job(loop), codec)


STRANGE = "a value of type {} can't travel; pass "
REFUSED: list[tuple[Any, str]] = [
    (datetime(2024, 1, 1), "a naive datetime can't travel; pass an aware one, such as "
     "datetime.now(timezone.utc)"),
    (timedelta(1), STRANGE.format("timedelta") + "seconds, such as value.total_seconds()"),
    (time(1), STRANGE.format("time") + "seconds since midnight, or value.isoformat()"),
    ({1}, STRANGE.format("set") + "a list, such as sorted(value)"),
    (frozenset(), STRANGE.format("frozenset") + "a list, such as sorted(value)"),
    ((1,), STRANGE.format("tuple") + "a list, such as list(value); it would come back as one"),
    (Shape.SQUARE, "a member of an Enum travels by its value: a value of type tuple can't travel; "
     "pass value.name"),
    (collections.OrderedDict(), STRANGE.format("OrderedDict") + "a plain dict, such as dict(value)"),
    (collections.UserList(), STRANGE.format("UserList") + "a list, such as list(value)"),
    (collections.deque(), STRANGE.format("deque") + "a list, such as list(value)"),
    (Name("x"), STRANGE.format("Name") + "a plain str, such as str.__str__(value)"),
    (Count(1), STRANGE.format("Count") + "a plain int, such as int(value)"),
    (Order(1), STRANGE.format("Order") + "its id, or a dict, such as dataclasses.asdict(value)"),
    ((n for n in ()), STRANGE.format("generator") + "a list, such as list(value)"),
    (len, STRANGE.format("builtin_function_or_method") + "a name as str, and let the job look it up"),
    (Order, STRANGE.format("type") + "a name as str, and let the job look it up"),
    (1j, STRANGE.format("complex") + "[value.real, value.imag]"),
    (Scalar(), STRANGE.format("Scalar") + "value.item()"),
    (pathlib.PurePosixPath("/"), STRANGE.format("PurePosixPath") + "str(value)"),
    (ValueError("x"), STRANGE.format("ValueError") + "str(value), or the name of its class"),
    (bytearray(), STRANGE.format("bytearray") + "bytes(value)"),
    (memoryview(b""), STRANGE.format("memoryview") + "bytes(value)"),
    (object(), STRANGE.format("object") + "its id and load it in the job, or a dict of plain values"),
    ("\ud800", "a str with a lone surrogate can't travel; pass valid Unicode, or bytes"),
    ({1: 2}, "a dict key of type int can't travel; use keys that are plain str"),
    ({b"a": 2}, "a dict key of type bytes can't travel; use keys that are plain str"),
    ({Mood.GOOD: 2}, "a dict key of type Mood can't travel; use keys that are plain str"),
    ({"\ud800": 2}, "a dict key with a lone surrogate can't travel; use keys of valid Unicode"),
]  # fmt: skip


def _name(part: object) -> str:
    # Without addresses: tests that run side by side must have the same names.
    return ascii(part).partition(" at 0x")[0][:30]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("value", "said"), REFUSED, ids=_name)
def test_a_value_that_can_not_travel_is_refused_with_its_path(
    value: Any, said: str, codec: Codec
) -> None:
    with pytest.raises(ArgumentError) as caught:
        encode(job("fine", {"when": [0, value]}), codec)
    assert str(caught.value) == f"HardWorker: args[1]['when'][1]: {said}"


MSGPACK_REFUSES: list[tuple[Any, str]] = [
    (2**64, "an int outside -2**63 to 2**64-1 can't travel in MessagePack; pass str(value)"),
    (-(2**63) - 1, "an int outside -2**63 to 2**64-1 can't travel in MessagePack; pass str(value)"),
    (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "this datetime has no year between 1 and 9999 in UTC, so it can't travel; "
        "pass value.isoformat()",
    ),
]
JSON_REFUSES: list[tuple[Any, str]] = [
    (b"", "bytes can't travel in JSON; pass base64.b64encode(value).decode()"),
    (ABOARD, "a datetime can't travel in JSON; pass value.isoformat()"),
    (date.min, "a date can't travel in JSON; pass value.isoformat()"),
    (uuid.UUID(int=1), "a UUID can't travel in JSON; pass str(value)"),
    (Decimal(1), "a Decimal can't travel in JSON; pass str(value)"),
]


@pytest.mark.parametrize(
    ("value", "said", "codec"),
    [(*row, "msgpack") for row in MSGPACK_REFUSES]
    + [(value, f"{said}, or use the msgpack codec", "json") for value, said in JSON_REFUSES],
)
def test_what_only_one_codec_refuses(value: Any, said: str, codec: Codec) -> None:
    with pytest.raises(ArgumentError) as caught:
        encode(job([value]), codec)
    assert str(caught.value) == f"HardWorker: args[0][0]: {said}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_refuses_numbers_that_are_not_json(value: float) -> None:
    with pytest.raises(ArgumentError, match=r"args\[0\]: NaN or an infinity can't travel in JSON"):
        encode(job(value), "json")


def test_json_refuses_integers_that_python_would_not_read_back() -> None:
    with pytest.raises(ArgumentError, match="an int of that many digits can't travel"):
        encode(job(10**5000), "json")


@pytest.mark.parametrize("codec", CODECS)
def test_the_error_names_keyword_arguments_and_other_fields_too(codec: Codec) -> None:
    with pytest.raises(ArgumentError, match=r"^HardWorker: kwargs\['ids'\]: "):
        encode(job(kwargs={"ids": {1}}), codec)
    with pytest.raises(ArgumentError, match=r"^HardWorker: tags\[0\]: "):
        encode(job(tags=[object()]), codec)
    with pytest.raises(ArgumentError, match=r"^HardWorker: args: a value of type tuple"):
        encode({"class": "HardWorker", "args": (1,)}, codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"args": []}, "job: payload has no class"),
        ({"class": "A"}, "A: payload has no args"),
        ({"class": "A", "args": {}}, "A: args is dict, expected a list"),
        ({"class": 5, "args": []}, "job: class is int, expected a non-empty string"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(
    payload: dict[str, Any], said: str, codec: Codec
) -> None:
    with pytest.raises(ArgumentError) as caught:
        encode(payload, codec)
    assert str(caught.value) == said
