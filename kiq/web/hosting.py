"""What the mounts in frameworks share: an application that asks its host who is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, TypedDict, Unpack

from werkzeug.exceptions import abort

from .application import Application
from .documents import PART
from .mounting import wsgi
from .visitors import Visitor, checked

#: The function of one request, in its environ, that returns who asks. No header can come by that name.
ASK = "kiq.ask"


class MountOptions(TypedDict, total=False):
    """What every mount takes: see :func:`kiq.web.wsgi`."""

    redis: Any
    fleets: Mapping[str, Any] | None
    environment: str
    secret: str
    hosts: Collection[str]


def hosted(policy: Callable[..., Any] | None, **options: Unpack[MountOptions]) -> Application:
    """Return the UI for an adapter that puts who asks into each environ, under :data:`ASK`.

    *policy* is what the adapter will ask. Raises ConfigError where it is none.
    """
    checked(policy)
    return wsgi(policy=_asked, **options)


def _asked(environ: dict[str, Any]) -> Visitor | None:
    found: Visitor | None = environ[ASK]()
    return found


def is_to_log_in(environ: Mapping[str, Any], status: int) -> bool:
    """Tell whether an answer is better replaced by a way to the login: a person's page, nobody known."""
    header = f"HTTP_{PART.upper().replace('-', '_')}"
    by_program = header in environ or environ["PATH_INFO"].startswith(("/api/", "/static/"))
    return status == 401 and environ["REQUEST_METHOD"] == "GET" and not by_program


def refuse(status: int, words: str) -> NoReturn:
    """Raise what a policy may raise: the UI answers with *status*, 400 and above, and *words*."""
    try:
        abort(status, words)
    except LookupError:
        abort(403, words)
