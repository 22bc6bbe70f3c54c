"""What is read as a job, and the reasons given for bytes that are none."""

from __future__ import annotations

import json
import struct
import tracemalloc
from typing import Any

import pytest

from kiq.codec import decode
from kiq.errors import UndecodablePayload


def job(*args: Any, **fields: Any) -> dict[str, Any]:
    return {"class": "HardWorker", "args": list(args), **fields}


def as_job(packed_argument: bytes) -> bytes:
    return b"\x82\xa5class\xa1A\xa4args\x91" + packed_argument


UNREADABLE: list[tuple[bytes, str]] = [
    (b"", "payload is empty"),
    (b" ", "payload begins with byte 0x20"),
    (b"null", "payload begins with byte 0x6e"),
    (b"[]", "payload begins with byte 0x5b"),
    (b'\xef\xbb\xbf{"class":"A","args":[]}', "payload begins with byte 0xef"),
    ('{"class":"A","args":[]}'.encode("utf-16"), "payload begins with byte 0xff"),
    ('{"class":"A","args":[]}'.encode("utf-16-le"), "payload is not valid JSON"),
    (b"\x80\x04\x95.", "payload goes on after its MessagePack map"),
    (b"{", "payload is not valid JSON"),
    (b"{not json", "payload is not valid JSON"),
    (b'{"class":"A","args":[]', "payload is not valid JSON"),
    (b'{"class":"A","args":[]}}', "payload goes on after its JSON object, at character 23"),
    (b'{"class":"A","args":["\xff"]}', "payload is not valid UTF-8 at byte 22"),
    (b'{"class":"A","args":[NaN]}', "NaN is not JSON"),
    (b'{"class":"A","args":[-Infinity]}', "-Infinity is not JSON"),
    (b'{"class":"A","args":[1e400]}', "a JSON number is too large for a float"),
    (b'{"class":"A","args":["\\ud800"]}', "args[0]: a str with a lone surrogate can't travel"),
    (
        b'{"class":"A","args":[' + b"9" * 5000 + b"]}",
        "payload is not valid JSON: Exceeds the limit",
    ),
    (b'{"class":"A","args":' + b"[" * 100 + b"1" + b"]" * 100 + b"}", "args[0][0]"),
    (b'{"a":' * 100_000, "nested deeper than 100 levels"),
    (b'{"args":[]}', "payload has no class"),
    (b'{"class":"","args":[]}', "payload has no class"),
    (b'{"class":5,"args":[]}', "class is int, expected a non-empty string"),
    (b'{"class":"A"}', "payload has no args"),
    (b'{"class":"A","args":"x"}', "args is str, expected a list"),
    (b'{"class":"A","args":{}}', "args is dict, expected a list"),
    (b"\x80", "payload has no class"),
    (as_job(b"\xc1"), "payload is not valid MessagePack"),
    (as_job(b""), "payload is not valid MessagePack"),
    (as_job(b"\xc0\xc0"), "payload goes on after its MessagePack map"),
    (as_job(b"\x81\x01\x02"), "payload is not valid MessagePack"),
    (as_job(b"\x81\xc4\x01a\x01"), "args[0]: a dict key of type bytes can't travel"),
    (as_job(b"\xd4\x05\x00"), "extension type 5 is not one of kiq's"),
    (as_job(b"\xd4\xff\x00"), "payload is not valid MessagePack"),
    (as_job(b"\xc7\x0c\xff" + struct.pack(">Iq", 0, 2**62)), "payload is not valid MessagePack"),
    (as_job(b"\xd4\x02\x00"), "payload is not valid MessagePack"),
    (as_job(b"\xd4\x01x"), "payload is not valid MessagePack"),
    (as_job(b"\xd4\x03x"), "payload is not valid MessagePack"),
    (as_job(b"\xa2\xff\xfe"), "payload is not valid UTF-8 at byte 0"),
    (as_job(b"\xa3\xed\xa0\x80"), "payload is not valid UTF-8 at byte 0"),
    (as_job(b"\x91" * 98 + b"\x91\xc0"), "args[0][0]"),
    (as_job(b"\x91" * 5000 + b"\xc0"), "nested deeper than 100 levels"),
    (as_job(b"\xdd\xff\xff\xff\xff"), "payload is not valid MessagePack"),
    (as_job(b"\xdf\xff\xff\xff\xff"), "payload is not valid MessagePack"),
    (as_job(b"\xdb\xff\xff\xff\xff"), "payload is not valid MessagePack"),
    (as_job(b"\xc6\xff\xff\xff\xff"), "payload is not valid MessagePack"),
]


@pytest.mark.parametrize(("raw", "said"), UNREADABLE, ids=lambda part: ascii(part)[:40])
def test_bytes_that_are_no_job_are_refused_with_a_reason(raw: bytes, said: str) -> None:
    with pytest.raises(UndecodablePayload) as caught:
        decode(raw)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 300


def test_no_payload_of_one_or_two_bytes_is_a_job() -> None:
    for length in (1, 2):
        for number in range(256**length):
            with pytest.raises(UndecodablePayload):
                decode(number.to_bytes(length, "big"))


def test_arrays_that_claim_more_than_they_hold_are_refused_before_they_are_built() -> None:
    headers = (b"\xdd" + (900_000).to_bytes(4, "big")) * 200
    raw = as_job(headers + b"\xc0" * 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(UndecodablePayload, match="not valid MessagePack"):
            decode(raw)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_of_duplicate_keys_the_last_wins() -> None:
    assert decode(b'{"class":"A","args":[],"args":[1]}')[0]["args"] == [1]
    assert decode(b"\x83\xa5class\xa1A\xa4args\x90\xa4args\x91\x01")[0]["args"] == [1]


def test_what_other_json_writers_do_is_read() -> None:
    payload = job("é🦊", 10**30, None, queue="low")
    assert decode(json.dumps(payload, indent=2).encode() + b"\n") == (payload, "json")
