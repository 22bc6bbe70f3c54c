"""As much of HTTP as a probe and a scrape need: the head of a request, and a whole answer. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

#: Bytes of a request's head; one that is longer is refused.
MOST = 8192
TEXT = "text/plain; charset=utf-8"
_METHODS = ("GET", "HEAD")


class Answer(NamedTuple):
    """What is sent: a *status*, a *body* of a *kind*."""

    status: int
    body: bytes
    kind: str = TEXT
    headers: tuple[str, ...] = ()


def said(status: int, text: str) -> Answer:
    """Return an answer of one line or more of text."""
    return Answer(status, f"{text}\n".encode())


class Request(NamedTuple):
    """What is asked: a *path*, without what stands behind a question mark; *bare* is HEAD."""

    path: str
    bare: bool = False


TOO_LARGE = said(431, f"a request has at most {MOST} bytes here")


def read(received: bytes) -> Request | Answer | None:
    """Return the request that *received* holds, None while it is not whole, or what refuses it."""
    line, end, _ = received.partition(b"\n")
    if not end:
        return TOO_LARGE if len(received) > MOST else None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return said(400, "this is HTTP 1.1: GET /live")
    if words[0] not in _METHODS:
        return said(405, "only GET and HEAD")._replace(headers=("Allow: GET, HEAD",))
    if b"\r\n\r\n" not in received and b"\n\n" not in received:
        return TOO_LARGE if len(received) > MOST else None
    return Request(words[1].partition("?")[0], words[0] == "HEAD")


def written(answer: Answer, *, bare: bool = False) -> bytes:
    """Return *answer* as bytes; without its body for HEAD."""
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *answer.headers,
    )
    return "\r\n".join((*head, "", "")).encode("latin-1") + (b"" if bare else answer.body)
