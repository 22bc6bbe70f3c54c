"""Whole answers: pages and parts of them, errors, data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request, Response

from ..api import act_of, undoable_act
from ..wording import plain
from .activity import Activity
from .acts import TOLD, new_form
from .answers import Data, Page
from .assets import Assets
from .calls import Call
from .fleets import Fleet
from .forms import Forms
from .locales import LANGUAGES, Locale, Locales
from .moments import moment_of
from .rendering import Renderer
from .routing import Route, Section

#: A request for the live part of a page: the script sends it, and takes only what bears MARK.
PART, MARK = "X-Kiq-Part", "X-Kiq-Assets"
LANGUAGE = "kiq_language"


class Documents:
    """Makes responses of what views return. Threads: all of the server's."""

    def __init__(
        self,
        sections: Sequence[Section],
        fleets: Mapping[str, Fleet],
        assets: Assets,
        locales: Locales,
        forms: Forms,
    ) -> None:
        self._sections = sections
        self._fleets = fleets
        self._assets = assets
        self._locales = locales
        self._forms = forms
        named = {each.name: each.templates for each in sections if each.templates is not None}
        self._renderer = Renderer({"": named.pop(sections[0].name), **named})

    def locale_of(self, request: Request) -> Locale:
        """Return the language of a request: chosen before, else what the browser would rather have."""
        chosen = request.cookies.get(LANGUAGE)
        if chosen in LANGUAGES:
            return self._locales.of(str(chosen))
        return self._locales.best(request.accept_languages)

    def urls_of(
        self, request: Request, fleet: Fleet, routes: Mapping[str, Route]
    ) -> Callable[..., str]:
        """Return what makes addresses of this mount: paths only, so that nothing leads to another host."""
        several = len(self._fleets) > 1

        def url(name: str, /, **said: object) -> str:
            path = routes[name].path
            query = {key: str(value) for key, value in said.items() if value not in (None, "")}
            for key in [key for key in query if f"<{key}>" in path]:
                path = path.replace(f"<{key}>", quote(query.pop(key), safe=""))
            if several:
                query.setdefault("fleet", fleet.name)
            tail = f"?{urlencode(query)}" if query else ""
            return f"{quote(request.root_path.rstrip('/'), safe='/')}{path}{tail}"

        return url

    def of_page(self, call: Call, page: Page) -> Response:
        """Return a page, or its live part where the script asks for that."""
        is_part = PART in call.request.headers
        cookies: dict[str, str] = {}
        values = {
            **self._frame(call, is_part),
            "token": self._forms.token_for(call.request, cookies),
            **page.values,
        }
        body = self._renderer.render(page.template, values).encode()
        response = Response(body, page.status, content_type="text/html; charset=utf-8")
        response.headers[MARK] = self._assets.version
        if is_part:
            return _unchanged(call.request, response, body)
        path, https = call.request.root_path, call.request.is_secure
        self._forms.keep(response, cookies, path=path, https=https)
        return response

    def of_data(self, data: Data) -> Response:
        """Return a JSON document."""
        body = json.dumps(plain(data.value))
        return Response(body, data.status, content_type="application/json")

    def of_error(self, request: Request, error: HTTPException) -> Response:
        """Return what went wrong, in words: a page for people, a line for scripts and parts."""
        code = error.code or 500
        words = error.description or ""
        headers = [each for each in error.get_headers(request.environ) if each[0] != "Content-Type"]
        title = HTTP_STATUS_CODES.get(code, "Error")
        if PART in request.headers or request.path.startswith("/api/"):
            body = json.dumps({"error": words or title})
            response = Response(body, code, headers, content_type="application/json")
        else:
            locale = self.locale_of(request)
            values = {"code": code, "title": title, "words": words, "locale": locale}
            values["root"] = quote(request.root_path.rstrip("/"), safe="/")
            values["css"] = self._assets.name_of("kiq.css")
            values["icon"] = self._assets.name_of("kiq.svg")
            body = self._renderer.render("error.html", values)
            response = Response(body, code, headers, content_type="text/html; charset=utf-8")
        response.headers[MARK] = self._assets.version
        return response

    def _frame(self, call: Call, is_part: bool) -> dict[str, Any]:
        """Return what every page shows around its own."""
        fleet, request = call.fleet, call.request
        told = request.args.get(TOLD, "")
        return {
            "layout": "part.html" if is_part else "page.html",
            "call": call,
            "may": call.visitor.may,
            "url": call.url,
            "_": call.locale.text,
            "n_": call.locale.count,
            "locale": call.locale,
            "languages": {key: words[0] for key, words in LANGUAGES.items()},
            "sections": [each for each in self._sections if each.title],
            "fleets": self._fleets,
            "fleet": fleet,
            "several": len(self._fleets) > 1,
            "moment": moment_of(fleet),
            "told": Activity(call.home).find(told) if told else None,
            "undoable": undoable_act(act_of(told), call.home) if told else None,
            "new_form": new_form,
            "root": quote(request.root_path.rstrip("/"), safe="/"),
            "assets": self._assets,
        }


def _unchanged(request: Request, response: Response, body: bytes) -> Response:
    """Answer 304 where the script has this part already; it keeps the tag itself, as nothing is stored."""
    tag = hashlib.sha256(body).hexdigest()[:20]
    response.set_etag(tag)
    if request.if_none_match.contains(tag):
        response.status_code = 304
        response.set_data(b"")
    return response
