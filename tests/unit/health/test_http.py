"""The head of a request, however it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.health.http import MOST, Answer, Request, read, said, written


@pytest.mark.parametrize(
    ("received", "asked"),
    [
        (b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n", Request("/live")),
        (b"GET /live?verbose=1 HTTP/1.0\r\n\r\n", Request("/live")),
        (b"HEAD /ready HTTP/1.1\n\n", Request("/ready", bare=True)),
        (b"GET /live HTTP/1.1\r\nHost", None),
        (b"GET /li", None),
        (b"", None),
    ],
)
def test_a_request_is_read_when_its_head_is_whole(received: bytes, asked: object) -> None:
    assert read(received) == asked


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (b"POST /live HTTP/1.1\r\nContent-Length: 10000000\r\n", 405),
        (b"DELETE / HTTP/1.1\r\n", 405),
        (b"\x16\x03\x01 what TLS says\n", 400),
        (b"GET /live\r\n", 400),
        (b"GET /live HTTP/1.1\r\n" + b"X: y\r\n" * MOST, 431),
        (b"x" * (MOST + 1), 431),
    ],
)
def test_what_is_none_is_refused(received: bytes, status: int) -> None:
    found = read(received)
    assert isinstance(found, Answer)
    assert found.status == status


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_make_it_raise(received: bytes, cut: int) -> None:
    for part in (received, received[:cut], b"GET " + received + b"\r\n\r\n"):
        assert read(part) is None or read(part)


def test_an_answer_says_how_long_it_is_and_head_has_no_body() -> None:
    answer = said(200, "well")
    assert written(answer).startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain")
    assert written(answer).endswith(b"\r\n\r\nwell\n")
    assert b"Content-Length: 5\r\n" in written(answer, bare=True)
    assert written(answer, bare=True).endswith(b"\r\n\r\n")
