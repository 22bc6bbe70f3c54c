"""What the addresses of lists say: where the page begins, and what is looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from werkzeug.exceptions import NotFound

from ..errors import ConfigError
from ..web import Call

T = TypeVar("T")


def text_of(call: Call, name: str = "q") -> str | None:
    """Return what is looked for, without blanks around it; None: nothing."""
    return call.said(name).strip() or None


def page_from(read: Callable[[str], T], call: Call) -> T:
    """Return what *read* makes of the place that the URL names. Raises NotFound for no place."""
    try:
        return read(call.said("from"))
    except ConfigError as error:
        raise NotFound(str(error)) from error
