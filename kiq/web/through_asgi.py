"""The web UI in a program of ASGI: Starlette, FastAPI, or by itself under a server of that kind."""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Unpack
from urllib.parse import quote, urlencode

from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from .application import Application
from .hosting import ASK, MountOptions, hosted, is_to_log_in
from .visitors import Visitor

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
#: It gets the scope of a request, and is called on a thread; what it returns may have to be awaited.
ScopePolicy = Callable[[dict[str, Any]], Visitor | Awaitable[Visitor | None] | None]

_MOST = (
    64 * 1024 + 1
)  # bytes of a body: one more than the UI takes, so that it refuses what is larger
_PATIENCE = 30.0  # seconds for a policy that is awaited
_ENTITY = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def asgi(*, policy: ScopePolicy, login: str = "", **options: Unpack[MountOptions]) -> Asgi:
    """Return the UI as an ASGI application: ``app.mount("/kiq", kiq.web.asgi(policy=...))``.

    *policy* says who asks, as for :func:`kiq.web.wsgi`, of the scope; it may be an async function. *login*
    is a path to which people are led whom it does not know, with ``next``. Pages are made on threads of
    the event loop (asyncio's). Raises ConfigError.
    """
    return Asgi(hosted(policy, **options), policy, login)


class Asgi:
    """The application. Threads: called on the loop's; pages are made on others."""

    def __init__(self, ui: Application, policy: ScopePolicy, login: str = "") -> None:
        self._ui = ui
        self._policy = policy
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's lifespan; there are no websockets here."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            body = await _body(receive)
            if body is not None:
                loop = asyncio.get_running_loop()
                answer = await asyncio.to_thread(self.answer, dict(scope), body, loop)
                await _say(answer, send)

    def answer(
        self, scope: dict[str, Any], body: bytes, loop: asyncio.AbstractEventLoop
    ) -> Response:
        """Return the response to one request; on a thread of its own."""
        environ = environ_of(scope, body)
        environ[ASK] = functools.partial(self._ask, scope, loop)
        answer = Response.from_app(self._ui, environ)
        if self._login and is_to_log_in(environ, answer.status_code):
            place = f"{self._login}?{urlencode({'next': _address(environ)})}"
            return Response(status=302, headers={"Location": place})
        return answer

    def _ask(self, scope: dict[str, Any], loop: asyncio.AbstractEventLoop) -> Visitor | None:
        found = self._policy(scope)
        if not inspect.isawaitable(found):
            return found
        waiting = asyncio.run_coroutine_threadsafe(_awaited(found), loop)
        try:
            return waiting.result(_PATIENCE)
        except TimeoutError:
            waiting.cancel()
            raise ServiceUnavailable(f"who asks was not known within {_PATIENCE:g} s") from None


async def _awaited(found: Awaitable[Visitor | None]) -> Visitor | None:
    return await found


async def _body(receive: Receive) -> bytes | None:
    """Return the body, as much of it as may be of use; None: whoever asked has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        body = (body + part)[:_MOST]
        if not message.get("more_body"):
            return body


async def _say(answer: Response, send: Send) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.get_data()})


async def _live(receive: Receive, send: Send) -> None:
    """Say to a server that all is ready, and at its end that all is done."""
    while True:
        phase = (await receive())["type"]
        await send({"type": f"{phase}.complete"})
        if phase == "lifespan.shutdown":
            return


def environ_of(scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the environ of WSGI for a request of ASGI, whose *body* was read."""
    prefix, path = _parted(scope)
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _as_wsgi(prefix),
        "PATH_INFO": _as_wsgi(path),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, content in scope["headers"]:
        name, value = raw.decode("latin-1").lower(), content.decode("latin-1")
        if "_" in name:
            continue  # a name that a proxy knows with a hyphen, and did not remove
        key = _ENTITY.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        between = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{between}{value}" if key in environ else value
    environ.setdefault("CONTENT_LENGTH", str(len(body)))
    return environ


def _address(environ: dict[str, Any]) -> str:
    """Return the address of the request, without its host, as browsers write it."""
    whole = f"{environ['SCRIPT_NAME']}{environ['PATH_INFO']}".encode("latin-1")
    query = environ["QUERY_STRING"]
    return f"{quote(whole)}?{query}" if query else quote(whole)


def _parted(scope: dict[str, Any]) -> tuple[str, str]:
    """Return the prefix that browsers see, and the path below the mount.

    ``path`` has the prefix in it, says ASGI. Behind a proxy that takes its own part of the prefix away it
    has that of the mount alone.
    """
    path, prefix = scope["path"], scope.get("root_path", "").rstrip("/")
    of_mount = prefix.removeprefix(scope.get("app_root_path", "").rstrip("/"))
    for each in (prefix, of_mount):
        if each and f"{path}/".startswith(f"{each}/"):
            return prefix, path.removeprefix(each) or "/"
    return prefix, path or "/"


def _as_wsgi(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
