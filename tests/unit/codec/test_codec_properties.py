"""What holds for any payload: it comes back as it was, and broken bytes break nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiq.codec import Codec, decode, encode
from kiq.errors import ArgumentError, UndecodablePayload

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
OFFSETS = st.timezones() | st.just(UTC)
SAFE_DATES = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
        max_leaves=25,
    )


JSON_VALUES = nested(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
MSGPACK_VALUES = nested(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary()
    | st.uuids()
    | st.dates()
    | st.decimals(allow_nan=False)
)
ANYTHING = nested(
    st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.tuples() | st.datetimes()
)


def job(args: list[Any], **fields: Any) -> dict[str, Any]:
    return {"class": "HardWorker", "args": args, **fields}


@given(st.lists(JSON_VALUES, max_size=4), JSON_VALUES)
def test_json_gives_back_what_it_was_given(args: list[Any], extra: Any) -> None:
    payload = job(args, extra=extra)
    assert decode(encode(payload, "json")) == (payload, "json")


@given(st.lists(MSGPACK_VALUES, max_size=4), MSGPACK_VALUES)
def test_msgpack_gives_back_what_it_was_given(args: list[Any], extra: Any) -> None:
    payload = job(args, extra=extra)
    back, codec = decode(encode(payload, "msgpack"))
    assert codec == "msgpack"
    assert repr(back) == repr(payload)  # stricter than ==: 1 is not True, and 1.10 is not 1.1


@given(SAFE_DATES)
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
def test_an_instant_comes_back_exact(when: datetime) -> None:
    back = decode(encode(job([when]), "msgpack"))[0]["args"][0]
    # Not `back == when`: in the hour that a zone repeats, Python calls any two zones unequal.
    assert back - when == timedelta(0)
    assert back.tzinfo is UTC


@given(st.lists(ANYTHING, max_size=4), st.sampled_from(["msgpack", "json"]))
def test_what_is_accepted_can_be_read_and_written_again(args: list[Any], codec: Codec) -> None:
    try:
        raw = encode(job(args), codec)
    except ArgumentError as error:
        said = str(error)
    else:
        body, found = decode(raw)
        said = "HardWorker: args" if encode(body, found) == raw else "came back different"
    assert said.startswith("HardWorker: args")


@given(st.binary(max_size=200))
@example(b'{"class":"A","args":[]}')
def test_arbitrary_bytes_are_a_job_or_undecodable(raw: bytes) -> None:
    for prefix in (b"", b"{", b"\x82\xa5class\xa1A\xa4args", b'{"class":"A","args":'):
        accept_or_refuse(prefix + raw)


def accept_or_refuse(raw: bytes) -> bool:
    """Return whether *raw* is a job; whatever is read must be fit to be written for a retry."""
    try:
        body, codec = decode(raw)
    except UndecodablePayload:
        return False
    encode(body, codec)
    return True


def mutated(raw: bytes, chance: random.Random) -> bytes:
    mutant = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(mutant))
        match chance.randrange(5):
            case 0:
                mutant[at] = chance.randrange(256)
            case 1:
                mutant[at] ^= 1 << chance.randrange(8)
            case 2:
                mutant[at:at] = chance.randbytes(chance.randint(1, 5))
            case 3:
                del mutant[at : at + chance.randint(1, 5)]
            case _:
                mutant[at:at] = mutant[chance.randrange(len(mutant)) :][:20]
        mutant = mutant or bytearray(b"\x80")
    return bytes(mutant)


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_no_mutation_of_a_payload_raises_anything_else(codec: Codec) -> None:
    chance = random.Random(20_000)
    args: list[Any] = ["Bob", 5, -1.5, {"a": [None, True, {"b": "é"}]}, 2**60]
    if codec == "msgpack":
        args += [b"\x00\xff", UUID(int=7), datetime(2024, 1, 1, 12, tzinfo=UTC)]
    raw = encode(job(args, jid="00d44e1144fc99baffabb78b", created_at=1795293240812), codec)
    readable = sum(accept_or_refuse(mutated(raw, chance)) for _ in range(10_000))
    assert 100 < readable < 9_900
