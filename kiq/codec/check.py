"""Whether a payload's values can travel: a quick look for each push, a walk that finds the culprit.

What comes back from Redis must equal what was given, so nothing is converted on the quiet: no
tuples to lists, no int keys to strings. Members of an Enum are the exception; they travel by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from ..jid import Jid
from .trouble import trouble_with
from .types import EXTENSION_TYPES, Codec

#: How deep dicts and lists may nest, counting the payload itself as the first level; an empty one
#: is no level.
MAX_DEPTH = 100

_LONGEST_KEY_SHOWN = 40
_LONGEST_PATH_SHOWN = 120

_JSON_LEAVES: frozenset[type] = frozenset({str, int, float, bool, type(None)})

#: For each codec, the exact types that its writer takes as they are.
LEAVES: dict[Codec, frozenset[type]] = {
    "json": _JSON_LEAVES,
    "msgpack": _JSON_LEAVES | {bytes, *EXTENSION_TYPES},
}


class Unfit(Exception):
    """A value can't travel: *what* is wrong with it, what to pass *instead*, and where it sits."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead
        self._steps: list[str | int] = []

    def within(self, step: str | int) -> Unfit:
        """Return this finding, seen from one level further out: *step* leads to it."""
        self._steps.append(step)
        return self

    @property
    def where(self) -> str:
        """The path from the payload, such as ``args[1]['when']``; empty for the payload itself."""
        if not self._steps:
            return ""
        field, *inner = reversed(self._steps)
        path = str(field)[:_LONGEST_KEY_SHOWN] + "".join(f"[{_shown(step)}]" for step in inner)
        return path if len(path) <= _LONGEST_PATH_SHOWN else path[:_LONGEST_PATH_SHOWN] + "…"

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self._steps else self.what


def fits(payload: dict[Any, Any], leaves: frozenset[type], room: int = MAX_DEPTH) -> bool:
    """Return whether *payload* holds str keys, lists, dicts and exact *leaves*, not too deep.

    The only look at values that a push pays for: about 1 µs for ten fields and three arguments.
    """
    if not room:
        return False
    for key, value in payload.items():
        if type(key) is not str:
            return False
        kind = type(value)
        if kind in leaves:
            continue
        if kind is list:
            if value and not list_fits(value, leaves, room - 1):
                return False
        elif kind is not dict or (value and not fits(value, leaves, room - 1)):
            return False
    return True


def list_fits(values: Sequence[Any], leaves: frozenset[type], room: int) -> bool:
    """Return whether the items of a list fit, as :func:`fits` does for a payload."""
    if not room:
        return False
    for value in values:
        kind = type(value)
        if kind in leaves:
            continue
        if kind is list:
            if value and not list_fits(value, leaves, room - 1):
                return False
        elif kind is not dict or (value and not fits(value, leaves, room - 1)):
            return False
    return True


def plain_copy(value: Any, codec: Codec, room: int = MAX_DEPTH) -> Any:
    """Return *value* with the members of an Enum replaced by their values, all else as it is.

    Raises Unfit for the first value that *codec* can't carry.
    """
    kind = type(value)
    if issubclass(kind, Enum):  # isinstance would believe a proxy
        return _plain_member(value, codec, room)
    if kind is Jid:
        return str(value)  # what perform_async returned, passed on to another job
    if kind is dict or kind is list:
        if value and not room:
            what = f"nested deeper than {MAX_DEPTH} levels"
            raise Unfit(what, "pass something flatter, and nothing that holds itself")
        if kind is dict:
            return _plain_dict(value, codec, room - 1)
        return _plain_list(value, codec, room - 1)
    trouble = trouble_with(value, codec)
    if trouble is not None:
        raise Unfit(*trouble)
    return value


def _plain_member(member: Enum, codec: Codec, room: int) -> Any:
    try:
        return plain_copy(member.value, codec, room)
    except Unfit as unfit:
        what = f"a member of an Enum travels by its value: {unfit.what}"
        raise Unfit(what, "pass value.name") from None


def _plain_dict(given: dict[Any, Any], codec: Codec, room: int) -> dict[str, Any]:
    plain = {}
    for key, value in given.items():
        _require_plain_key(key, codec)
        try:
            plain[key] = plain_copy(value, codec, room)
        except Unfit as unfit:
            raise unfit.within(key)  # noqa: B904 (the same exception goes on)
    return plain


def _plain_list(given: list[Any], codec: Codec, room: int) -> list[Any]:
    plain = []
    for index, value in enumerate(given):
        try:
            plain.append(plain_copy(value, codec, room))
        except Unfit as unfit:
            raise unfit.within(index)  # noqa: B904 (the same exception goes on)
    return plain


def _require_plain_key(key: Any, codec: Codec) -> None:
    if type(key) is not str:
        what = f"a dict key of type {type(key).__qualname__} can't travel"
        raise Unfit(what, "use keys that are plain str")
    if trouble_with(key, codec) is not None:
        raise Unfit("a dict key with a lone surrogate can't travel", "use keys of valid Unicode")


def _shown(step: str | int) -> str:
    return repr(step[:_LONGEST_KEY_SHOWN]) if isinstance(step, str) else str(step)
