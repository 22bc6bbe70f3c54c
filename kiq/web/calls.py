"""One request, as views see it: who asks, of which fleet, what the URL and the form say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request

from ..api import Connection
from .fields import carried
from .fleets import Fleet
from .locales import Locale
from .visitors import Visitor

_LONGEST = 2000  # characters of one value of a query
_MOST = 100


@dataclass(slots=True)
class Call:
    """What a view is given. Threads: one, that of the request.

    *url* makes the address of a route by its name; its other arguments go into the query.
    """

    request: Request
    route: str
    fleet: Fleet
    visitor: Visitor
    locale: Locale
    url: Callable[..., str]
    path: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Connection:
        """The fleet's Redis."""
        return self.fleet.home

    def said(self, name: str, default: str = "") -> str:
        """Return what the URL says under *name*, or, for a POST, what a hidden field of the form says.

        Raises BadRequest for more than 2,000 characters.
        """
        is_form = self.request.method == "POST"
        source = self.request.form if is_form else self.request.args
        value: str = source.get(name, default)
        if len(value) > _LONGEST:
            raise BadRequest(f"{name} is longer than {_LONGEST} characters")
        return carried(value) if is_form else value

    def every(self, name: str) -> list[str]:
        """Return all values that a page's query, or a form, has under *name*: a hundred at most."""
        is_form = self.request.method == "POST"
        values = (self.request.form if is_form else self.request.args).getlist(name)[:_MOST]
        return [carried(value) if is_form else value for value in values if len(value) <= _LONGEST]

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number that the URL says, at least *least* and at most *most*; else *default*."""
        text = self.said(name)
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            return default
        return min(most, max(least, int(text)))
