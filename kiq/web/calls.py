"""One request, as views see it: who asks, of which fleet, what the URL and the form say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request

from ..api import Connection
from .clocks import known_zone
from .fields import carried
from .fleets import Fleet
from .locales import Locale
from .visitors import Visitor

#: The cookie that says so: the script writes it.
ZONE = "kiq_zone"
_LONGEST = 2000  # characters of one value of a query
_MOST = 100


@dataclass(slots=True)
class Call:
    """What a view is given. Threads: one, that of the request.

    *url* makes the address of a route by its name; its other arguments go into the query. *body* is
    what a program sent, instead of a form.
    """

    request: Request
    route: str
    fleet: Fleet
    visitor: Visitor
    locale: Locale
    url: Callable[..., str]
    path: dict[str, str] = field(default_factory=dict)
    body: MultiDict[str, str] | None = None

    @property
    def home(self) -> Connection:
        """The fleet's Redis."""
        return self.fleet.home

    @property
    def zone(self) -> str:
        """The time zone that the visitor reads times in: ``UTC``, or that of the browser."""
        return known_zone(unquote(self.request.cookies.get(ZONE, "UTC")))

    def said(self, name: str, default: str = "") -> str:
        """Return what the URL says under *name*, or, for a POST, what a hidden field of the form says.

        Raises BadRequest for more than 2,000 characters.
        """
        value: str = self.fields.get(name, default)
        if len(value) > _LONGEST:
            raise BadRequest(f"{name} is longer than {_LONGEST} characters")
        return carried(value) if self._is_form else value

    def every(self, name: str) -> list[str]:
        """Return all values that a page's query, or a form, has under *name*: a hundred at most."""
        values = [each for each in self.fields.getlist(name)[:_MOST] if len(each) <= _LONGEST]
        return [carried(value) for value in values] if self._is_form else values

    @property
    def fields(self) -> MultiDict[str, str]:
        """What was said: by the query of a page, by the form or the body of an act."""
        if self.body is not None:
            return self.body
        return self.request.form if self.request.method == "POST" else self.request.args

    @property
    def _is_form(self) -> bool:
        return self.body is None and self.request.method == "POST"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number that the URL says, at least *least* and at most *most*; else *default*."""
        text = self.said(name)
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            return default
        return min(most, max(least, int(text)))
