"""The web UI as a blueprint of Flask, for users whom the application knows."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Unpack
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, redirect, request, url_for

from ...web import Application, Visitor
from ...web.hosting import ASK, MountOptions, hosted, is_to_log_in

#: It is called within the request, so that it may ask ``flask.session`` or ``flask_login.current_user``.
RequestPolicy = Callable[[Any], Visitor | None]


def web_ui(
    policy: RequestPolicy,
    *,
    url_prefix: str = "/kiq",
    login: str = "",
    **options: Unpack[MountOptions],
) -> Blueprint:
    """Return the UI as a blueprint: ``app.register_blueprint(web_ui(policy))``.

    *policy* gets the request, and says who asks. *login* is the endpoint of your login, to which people are
    led whom it does not know; it gets ``next``. Other options are those of :func:`kiq.web.wsgi`. Processes
    share the ``SECRET_KEY`` of the application, and so each takes the forms of the others.

    Raises ConfigError.
    """
    pages = Blueprint("kiq", __name__, url_prefix=url_prefix)
    made: dict[Any, Application] = {}
    hosted(policy, **options)  # what is wrong is said here, where it is written

    def ui() -> Application:
        """Return the UI that seals its forms with the key of the application."""
        key = current_app.secret_key
        if key not in made:
            own = options.copy()
            own.setdefault("secret", f"kiq.web {key!r}" if key else "")
            made[key] = hosted(policy, **own)
        return made[key]

    def view(path: str) -> Any:
        return _answered(ui(), policy, login, path)

    methods = ["GET", "HEAD", "POST"]
    pages.add_url_rule("/", "ui", view, defaults={"path": ""}, methods=methods)
    pages.add_url_rule("/<path:path>", "ui", view, methods=methods)
    return pages


def _answered(ui: Application, policy: RequestPolicy, login: str, path: str) -> Any:
    here = request._get_current_object()  # type: ignore[attr-defined]
    environ = {**_with_body(), ASK: lambda: policy(here)}
    below = request.path.removesuffix(path).rstrip("/")
    environ["SCRIPT_NAME"] = _as_wsgi(f"{request.root_path.rstrip('/')}{below}")
    environ["PATH_INFO"] = _as_wsgi(f"/{path}")
    answer = Response.from_app(ui, environ)
    if login and is_to_log_in(environ, answer.status_code):
        return redirect(url_for(login, next=request.full_path.rstrip("?")))
    return answer


def _with_body() -> dict[str, Any]:
    """Return the environ of this request, with the body that the application may have read already."""
    environ, read = request.environ, vars(request)
    if "form" in read and request.form and not read.get("_cached_data"):
        body = urlencode(list(request.form.items(multi=True))).encode()
    elif "stream" in read or read.get("_cached_data"):
        body = request.get_data()
    else:
        return environ
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def _as_wsgi(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
