"""What readers take, as JSON schema: for editors, and for the reference of settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

#: One form in which a value may be written, in the terms of JSON schema.
Form = Mapping[str, Any]
R = TypeVar("R", bound=Callable[..., Any])

_shapes: WeakKeyDictionary[Callable[..., Any], tuple[Form, ...]] = WeakKeyDictionary()

#: What stands in quotes is looked at by the reader: here it only has to look like a number.
_WHOLE = {"type": "string", "pattern": r"^[+-]?[0-9]{1,11}$"}
_NUMBER = {
    "type": "string",
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$",
}
BOOLEAN = (
    {"type": "boolean"},
    {"enum": [0, 1]},
    {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Nn]|1)$"},
    {"type": "string", "pattern": "^([Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[Oo][Ff][Ff]|0)$"},
)
#: To the reader a number, or true, that is to be text is the text that stands there.
_BARE = {"type": ["number", "boolean"]}
SECRET = ({"type": "string"}, _BARE)
TEXT = ({"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*$"}, _BARE)
_ENTRY = {"anyOf": [{"type": "string", "minLength": 1, "pattern": r"^[^\x00-\x1f\x7f]+$"}, _BARE]}
TEXTS = (*TEXT, {"type": "array", "items": _ENTRY})
WORD = ({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$"}, {"type": ["integer", "boolean"]})
CLIENT_NAME = ({"type": "string", "pattern": "^[!-~]{1,100}$"}, _BARE)
URL = (
    {
        "type": "string",
        "pattern": r"^(embedded(:.+)?|((redis|rediss)(\+sentinel)?|unix)://\S*)$",
    },
)
NAMESPACE = (
    {
        "type": "string",
        "pattern": r"^(?=.{1,100}$)(?!:)(?!.*:$)(?!(kiq|queue|stat)(:|$))"
        r"[A-Za-z0-9_.:-]*(\{[A-Za-z0-9_.:-]+\})?[A-Za-z0-9_.:-]*$",
    },
)
_WEIGHT = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1000}, _WHOLE, {"type": "null"}]}
_DURATION = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^ *[0-9]{1,9}(\.[0-9]{1,3})? ?(s|m|min|h|d)? *$"},
    ]
}
#: A weight, or one with what the queue promises.
_MORE = {
    "type": "object",
    "properties": {"weight": _WEIGHT, "latency": _DURATION},
    "additionalProperties": False,
}
_SHARE = {"anyOf": [_WEIGHT, _MORE]}
_NAME = {"anyOf": [{"type": "string", "minLength": 1}, _BARE]}
_PAIR = {"type": "array", "items": [_NAME, _SHARE], "minItems": 1, "maxItems": 2}
_TABLE = {
    "type": "object",
    "additionalProperties": _SHARE,
    "propertyNames": {"minLength": 1},
    "minProperties": 1,
}
QUEUES = (
    _TABLE,
    {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [_NAME, _PAIR, {**_TABLE, "maxProperties": 1}]},
    },
    {"type": "string", "pattern": r"\S"},
    _BARE,
)


def whole(low: int, high: int) -> tuple[Form, ...]:
    """Return the forms of a whole number from *low* to *high*."""
    return {"type": "integer", "minimum": low, "maximum": high}, _WHOLE


def number(low: float, high: float) -> tuple[Form, ...]:
    """Return the forms of a number from *low* to *high*."""
    return {"type": "number", "minimum": low, "maximum": high}, _NUMBER


def words(*known: str) -> tuple[Form, ...]:
    """Return the forms of one of the *known* words, in any case of letters."""
    pattern = "|".join(map(_any_case, known))
    return {"enum": list(known)}, {"type": "string", "pattern": f"^({pattern})$"}


def shaped(*forms: Form) -> Callable[[R], R]:
    """Decorate a reader: it takes what has one of *forms*."""

    def decorate(reader: R) -> R:
        _shapes[reader] = forms
        return reader

    return decorate


def forms_of(reader: Callable[..., Any]) -> tuple[Form, ...]:
    """Return the forms that *reader* takes; those of what it wraps where it has none, else ({},): all."""
    found = _shapes.get(reader)
    if found is None and hasattr(reader, "__wrapped__"):
        return forms_of(reader.__wrapped__)
    return ({},) if found is None else found


def _any_case(word: str) -> str:
    return "".join(
        f"[{each.upper()}{each.lower()}]" if each.isalpha() else re.escape(each) for each in word
    )
