"""What each codec carries, and that pushes at once don't disturb each other."""

from __future__ import annotations

import collections
import enum
import math
import threading
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgpack
import pytest

from kiq.codec import Codec, decode, encode
from kiq.errors import ArgumentError

CODECS: tuple[Codec, ...] = ("msgpack", "json")
ABOARD = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30)))


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Mood(enum.StrEnum):
    GOOD = "good"


class Stamp(datetime):
    pass


def job(*args: Any, **fields: Any) -> dict[str, Any]:
    return {"class": "HardWorker", "args": list(args), **fields}


def there_and_back(value: Any, codec: Codec) -> Any:
    body, found = decode(encode(job(value), codec))
    assert found == codec
    return body["args"][0]


PLAIN: list[Any] = [
    None, True, False, 0, -1, 127, 128, 255, 256, -32, -33, 2**31, 2**63 - 1, 2**64 - 1, -(2**63),
    0.0, 0.1, 1e300, 5e-324, "", "é", "\x00", "\u2028", "\u202e", "🦊", "a" * 70_000,
    [], {}, [[]], [{"a": [1, {"b": None}]}], {"": 1}, {"a": {"b": [True]}}, list(range(70_000)),
]  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: ascii(value)[:30])
def test_plain_values_come_back_equal_and_of_the_same_type(value: Any, codec: Codec) -> None:
    back = there_and_back(value, codec)
    assert back == value
    assert type(back) is type(value)


def test_minus_zero_keeps_its_sign() -> None:
    assert [math.copysign(1, there_and_back(-0.0, codec)) for codec in CODECS] == [-1, -1]


RICH: list[Any] = [
    b"", b"\x00\xff", b"x" * 70_000, date(1, 1, 1), date(2024, 2, 29), date.max, uuid.UUID(int=5),
    Decimal("1.10"), Decimal("-0"), Decimal("1E+400"), Decimal("Infinity"), math.inf, -math.inf,
    datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), ABOARD,
]  # fmt: skip


@pytest.mark.parametrize("value", RICH, ids=lambda value: repr(value)[:40])
def test_msgpack_carries_richer_types(value: Any) -> None:
    back = there_and_back(value, "msgpack")
    assert back == value
    assert type(back) is type(value)


def test_a_decimal_keeps_its_trailing_zeros() -> None:
    assert str(there_and_back(Decimal("1.100"), "msgpack")) == "1.100"


def test_nan_travels_in_msgpack() -> None:
    assert math.isnan(there_and_back(math.nan, "msgpack"))


def test_an_aware_datetime_comes_back_in_utc_exact_to_the_microsecond() -> None:
    back = there_and_back(ABOARD, "msgpack")
    assert back.tzinfo is UTC
    assert back.isoformat() == "2024-02-29T18:29:59.999999+00:00"


def test_a_subclass_of_datetime_travels_as_the_instant_that_it_is() -> None:
    back = there_and_back(Stamp(2024, 1, 1, tzinfo=UTC), "msgpack")
    assert back == datetime(2024, 1, 1, tzinfo=UTC)
    assert type(back) is datetime


def test_other_readers_find_a_standard_timestamp() -> None:
    body = msgpack.unpackb(encode(job(ABOARD), "msgpack"))
    assert body["args"][0] == msgpack.Timestamp.from_datetime(ABOARD)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("member", [Colour.RED, Level.HIGH, Mood.GOOD])
def test_members_of_an_enum_travel_by_value(member: enum.Enum, codec: Codec) -> None:
    back = there_and_back({"deep": [member]}, codec)["deep"][0]
    assert back == member.value
    assert type(back) in (str, int)


def test_json_keeps_big_integers_exact_in_both_directions() -> None:
    assert there_and_back(10**4000 + 1, "json") == 10**4000 + 1


def test_json_is_what_sidekiq_writes() -> None:
    payload = job("é", 1, [None, True], 1.5, queue="default")
    expected = '{"class":"HardWorker","args":["é",1,[null,true],1.5],"queue":"default"}'
    assert encode(payload, "json") == expected.encode()


@pytest.mark.parametrize("fields", [0, 13, 14, 70_000])
def test_the_first_byte_tells_the_codec(fields: int) -> None:
    payload = job(**{f"f{number}": number for number in range(fields)})
    first = encode(payload, "msgpack")[0]
    assert 0x80 <= first <= 0x8F or first in (0xDE, 0xDF)
    assert encode(payload, "json")[:1] == b"{"
    assert decode(encode(payload, "msgpack")) == (payload, "msgpack")


def test_any_mapping_can_be_a_payload() -> None:
    payload = collections.ChainMap({"class": "A"}, {"args": [1]})
    assert decode(encode(payload, "msgpack"))[0] == {"class": "A", "args": [1]}


def test_encoding_leaves_the_payload_as_it_was() -> None:
    payload = job({"mood": Mood.GOOD})
    encode(payload, "json")
    assert payload["args"][0]["mood"] is Mood.GOOD


def test_threads_that_encode_at_once_do_not_disturb_each_other() -> None:
    wrong: list[str] = []
    start = threading.Barrier(8)

    def run(number: int) -> None:
        payload = job(*[[number, uuid.UUID(int=number), ABOARD] for _ in range(20)])
        broken = job("x" * 50 * number, payload, object())
        expected = encode(payload, "msgpack")
        start.wait(10)
        for turn in range(300):
            if encode(payload, "msgpack") != expected:
                wrong.append(f"thread {number}, turn {turn}")
            if turn % 3 == 0:
                with pytest.raises(ArgumentError):
                    encode(broken, "msgpack")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_a_push_in_the_middle_of_a_push_leaves_both_whole() -> None:
    """As a signal handler or a finalizer may do, while the outer payload is half written."""
    inner: list[bytes] = []

    class Restless(uuid.UUID):
        @property
        def bytes(self) -> Any:
            inner.append(encode(job("inner"), "msgpack"))
            return super().bytes

    outer = decode(encode(job("before", Restless(int=1), "after"), "msgpack"))[0]
    assert outer["args"] == ["before", uuid.UUID(int=1), "after"]
    assert {decode(raw)[0]["args"][0] for raw in inner} == {"inner"}
