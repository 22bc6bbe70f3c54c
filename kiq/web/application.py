"""The WSGI application: one door for every request, and what each has to pass."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import (
    HTTPException,
    MisdirectedRequest,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
)
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from ..errors import StoreError, StoreUnavailable
from .acts import Acts
from .answers import Answer, Data, Done
from .assets import Assets
from .calls import Call
from .documents import Documents
from .fleets import Fleet
from .forms import Forms
from .headers import secure
from .locales import Locales
from .programs import fields_of
from .routing import Route, Section
from .visitors import Policy, Visitor, checked

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("kiq.web")

_BODY = 64 * 1024  # bytes of a form
_FIELDS = 100
FLEET = "fleet"
_ACT = "act"  # any of the routes that are acts, called by a program


class Application:
    """The web UI. Threads: all of the server's.

    *policy* says who asks: see :mod:`kiq.web.visitors`. *hosts*, if there are any, are the names that a
    request may call this server by: without a login that is what keeps a foreign page from reading it
    through a name of its own (DNS rebinding).
    """

    def __init__(
        self,
        fleets: Sequence[Fleet],
        policy: Policy,
        sections: Sequence[Section],
        *,
        secret: str = "",
        hosts: Collection[str] = (),
    ) -> None:
        checked(policy)
        self._fleets = {fleet.name: fleet for fleet in fleets}
        self._policy = policy
        self._hosts = frozenset(hosts)
        self._routes = {route.name: route for section in sections for route in section.routes}
        self._map = Map(
            [
                Rule(route.path, endpoint=route.name, methods=[route.method])
                for route in self._routes.values()
            ]
            + [Rule("/api/v1/acts/<act>", endpoint=_ACT, methods=["POST"])],
            strict_slashes=False,
            merge_slashes=False,
        )
        own = [each.assets for each in sections if each.assets]
        self._assets = Assets(own)
        self._locales = Locales(each.locales for each in sections if each.locales)
        forms = Forms((secret or secrets.token_urlsafe()).encode(), "kiq_form")
        self._documents = Documents(sections, self._fleets, self._assets, self._locales, forms)
        self._acts = Acts(forms)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        request.max_content_length = request.max_form_memory_size = _BODY
        request.max_form_parts = _FIELDS
        response = self._respond(request)
        secure(response)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            self._check_host(request)
            visitor = self._policy(request.environ)
            if visitor is None:
                raise Unauthorized("who asks is not known here, or may not look")
            return self._routed(request, visitor)
        except HTTPException as error:
            return self._documents.of_error(request, error)
        except StoreUnavailable as error:
            return self._documents.of_error(request, ServiceUnavailable(str(error)))
        except StoreError as error:
            return self._documents.of_error(request, _Refused(str(error)))
        except Exception:
            logger.exception("the page %s failed", request.path)
            return self._documents.of_error(request, _Failed())

    def _check_host(self, request: Request) -> None:
        name = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
        if self._hosts and name.lower() not in self._hosts:
            raise MisdirectedRequest(
                "this address is not one that the server was told to answer to:"
                " kiq web --allow-host NAME"
            )

    def _routed(self, request: Request, visitor: Visitor) -> Response:
        path = request.path or "/"
        if path.startswith("/static/"):
            found = self._assets.response(path.removeprefix("/static/"))
            if found is not None and request.method in ("GET", "HEAD"):
                return found
        adapter = self._map.bind(request.host or "localhost", path_info=path)
        name, matched = adapter.match(path, method=request.method)
        values = dict(matched)
        route = self._act(values.pop("act")) if name == _ACT else self._routes[name]
        if not visitor.may(route.permission):
            raise _NotAllowed(route.permission, visitor.name)
        call = self._call(request, route, visitor, values)
        if route.method == "POST":
            return self._acted(call, route)
        return self._written(call, route.view(call))

    def _call(
        self, request: Request, route: Route, visitor: Visitor, values: dict[str, Any]
    ) -> Call:
        documents = self._documents
        locale = documents.locale_of(request)
        by_program = request.method == "POST" and request.path.startswith("/api/")
        body = fields_of(request) if by_program else None
        said = (
            body if body is not None else request.form if request.method == "POST" else request.args
        )
        fleet = self._fleet_of(said)
        url = documents.urls_of(request, fleet, self._routes)
        return Call(request, route.name, fleet, visitor, locale, url, values, body)

    def _act(self, name: str) -> Route:
        route = self._routes.get(name)
        if route is None or route.method != "POST":
            raise NotFound("there is no such act: /api/v1/openapi.json has them all")
        return route

    def _acted(self, call: Call, route: Route) -> Response:
        if call.body is None:
            return self._acts.answer(call, route.view)
        return self._documents.of_data(self._acts.answer_program(call, route.view))

    def _fleet_of(self, said: MultiDict[str, str]) -> Fleet:
        named = said.get(FLEET)
        if named is None:
            return next(iter(self._fleets.values()))
        if named not in self._fleets:
            raise _NoFleet(named)
        return self._fleets[named]

    def _written(self, call: Call, answer: Answer) -> Response:
        if isinstance(answer, Data):
            return self._documents.of_data(answer)
        if isinstance(answer, Done):
            raise TypeError(f"{call.route} is a page, and returned that something was done")
        return self._documents.of_page(call, answer)


class _NotAllowed(HTTPException):
    """403: a permission is missing."""

    code = 403

    def __init__(self, permission: str, name: str) -> None:
        super().__init__(f"{name} has not got the permission {permission!r}")


class _NoFleet(HTTPException):
    """404: no fleet of that name."""

    code = 404

    def __init__(self, named: str) -> None:
        super().__init__(f"there is no fleet {named[:100]!r} here")


class _Refused(HTTPException):
    """502: Redis is there, and refused."""

    code = 502


class _Failed(HTTPException):
    """500: a fault of kiq's, whose details stand in the log."""

    code = 500
    description = "this page failed; the log of the server says why"


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and not host.endswith("]")
