"""The web UI in an application of FastAPI or Starlette, for users whom it knows."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from fastapi import HTTPException, Request

from ...web import Asgi, Visitor, asgi
from ...web.hosting import MountOptions, refuse
from ...web.visitors import checked

#: It gets the request, and says who asks; it may be an async function.
RequestPolicy = Callable[[Request], Visitor | Awaitable[Visitor | None] | None]


def web_ui(policy: RequestPolicy, *, login: str = "", **options: Unpack[MountOptions]) -> Asgi:
    """Return the UI to mount: ``app.mount("/kiq", web_ui(policy))``.

    *policy* says who asks, and may raise the HTTPException that a dependency of yours raises: 401 means
    nobody. A plain function is called on a thread, an async one on the event loop. *login* is the path of
    your login, to which people are led whom it does not know; it gets ``next``. Other options are those of
    :func:`kiq.web.wsgi`. Raises ConfigError.
    """
    checked(policy)

    def of_scope(scope: dict[str, Any]) -> Any:
        try:
            found = policy(Request(scope))
        except HTTPException as error:
            _refuse(error)
            return None
        return _awaited(found) if inspect.isawaitable(found) else found

    return asgi(policy=of_scope, login=login, **options)


async def _awaited(found: Awaitable[Visitor | None]) -> Visitor | None:
    try:
        return await found
    except HTTPException as error:
        _refuse(error)
        return None


def _refuse(error: HTTPException) -> None:
    if error.status_code != 401:
        refuse(error.status_code, str(error.detail))
