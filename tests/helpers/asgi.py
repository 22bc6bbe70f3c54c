"""A client of ASGI applications, for tests: sends a request and collects the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit


@dataclass(frozen=True)
class Answer:
    """What came."""

    status: int
    headers: dict[str, str]
    text: str


def ask(
    app: Any,
    path: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **scope: Any,
) -> Answer:
    """Send a GET, or a POST of *form*, on an event loop of its own; *scope* is more of what servers say."""
    return asyncio.run(_ask(app, path, form, {"Host": "localhost", **(headers or {})}, scope))


async def _ask(
    app: Any, path: str, form: Any, headers: Mapping[str, str], scope: dict[str, Any]
) -> Answer:
    split, body = urlsplit(path), urlencode(form or {}).encode()
    said = dict(headers)
    if form is not None:
        said |= {"Content-Type": "application/x-www-form-urlencoded"}
        said |= {"Content-Length": str(len(body))}
    coming = [body[:5], body[5:]]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.sleep(3600)
        part = coming.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(coming)}

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if form is None else "POST",
        "scheme": "http",
        "path": unquote(split.path),
        "raw_path": split.path.encode(),
        "query_string": split.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in said.items()],
        "client": ("127.0.0.1", 4),
        "server": ("localhost", 80),
        **scope,
    }
    await app(whole, receive, send)
    start = next(each for each in sent if each["type"] == "http.response.start")
    text = b"".join(each.get("body", b"") for each in sent).decode()
    named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, text)
