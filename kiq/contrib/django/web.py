"""The web UI as a view of Django, for users whom Django knows."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Unpack

from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, URLPattern, re_path, reverse
from django.views.decorators.csrf import csrf_exempt

from ...errors import ConfigError
from ...web import Application, Visitor
from ...web.hosting import ASK, MountOptions, hosted, is_to_log_in

#: It gets the request, and says who asks.
RequestPolicy = Callable[[HttpRequest], Visitor | None]
NAME = "kiq"


def by_permissions(request: HttpRequest) -> Visitor | None:
    """Let in users that are staff, with the permissions that Django knows of: ``kiq.look`` and so on.

    Superusers have all of them. Raises ConfigError where no middleware says who the user is.
    """
    user = getattr(request, "user", None)
    if user is None:
        raise ConfigError(
            "the web UI does not know who asks: MIDDLEWARE has no AuthenticationMiddleware"
        )
    if not (user.is_active and user.is_staff):
        return None
    return Visitor(user.get_username(), lambda permission: bool(user.has_perm(f"kiq.{permission}")))


def web_ui(
    policy: RequestPolicy = by_permissions, **options: Unpack[MountOptions]
) -> tuple[list[URLPattern], str]:
    """Return the patterns to include: ``path("kiq/", include(web_ui(policy=...)))``.

    *policy* says who asks, of the request; other options are those of :func:`kiq.web.wsgi`. Processes
    share ``SECRET_KEY``, and so each takes the forms of the others. Raises ConfigError.
    """
    if policy is by_permissions:
        _check_apps()
    options.setdefault("secret", f"kiq.web {settings.SECRET_KEY}")
    ui = hosted(policy, **options)

    def view(request: HttpRequest, path: str) -> HttpResponse:
        return _answered(ui, policy, request, path)

    # The UI itself asks who is there, and where a form comes from; a push must not wait for the answer.
    own = csrf_exempt(login_not_required(transaction.non_atomic_requests(view)))
    return [re_path(r"^(?P<path>[\s\S]*)\Z", own, name="ui")], NAME


def _check_apps() -> None:
    """The permissions by which users are let in have to be there."""
    for needed in ("django.contrib.auth", "kiq.contrib.django"):
        if not apps.is_installed(needed):
            raise ConfigError(
                f"the web UI asks Django's permissions, and {needed} is not in INSTALLED_APPS: add it,"
                " or say who may look: include(kiq.contrib.django.web.web_ui(policy=...))"
            )


def _answered(
    ui: Application, policy: RequestPolicy, request: HttpRequest, path: str
) -> HttpResponse:
    environ = environ_of(request, path)
    environ[ASK] = lambda: policy(request)
    status: list[str] = []
    headers: list[tuple[str, str]] = []

    def start(line: str, said: list[tuple[str, str]], _error: Any = None) -> Callable[..., Any]:
        status.append(line)
        headers.extend(said)
        return status.append

    body = b"".join(ui(environ, start))
    code, _, reason = status[0].partition(" ")
    login = _login(request) if is_to_log_in(environ, int(code)) else None
    if login is not None:
        return redirect_to_login(request.get_full_path(), login)
    answer = HttpResponse(body, status=int(code), reason=reason)
    for name, value in headers:
        if name.lower() == "set-cookie":
            answer.cookies.load(value)
        else:
            answer.headers[name] = value
    return answer


def _login(request: HttpRequest) -> str | None:
    """Return where one logs in; None for somebody who has, and whom that page might lead back here."""
    try:
        return str(reverse("admin:login"))  # it says who is known and not allowed
    except NoReverseMatch:
        user = getattr(request, "user", None)
        is_known = user is not None and user.is_authenticated
        return None if is_known else str(resolve_url(settings.LOGIN_URL))


def environ_of(request: HttpRequest, path: str) -> dict[str, Any]:
    """Return the environ of WSGI for *request*, whose URL ends with *path* below the mount.

    Who its host and scheme are, Django says, by its settings for proxies. Raises what Django raises for a
    host that is not allowed, and a body that is too large.
    """
    body = request.body
    above = request.META["SCRIPT_NAME"].rstrip("/") + request.path_info.removesuffix(path)
    return {
        **{name: value for name, value in request.META.items() if isinstance(value, str)},
        "SCRIPT_NAME": _as_wsgi(above.rstrip("/")),
        "PATH_INFO": _as_wsgi(f"/{path}"),
        "HTTP_HOST": request.get_host(),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }


def _as_wsgi(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
