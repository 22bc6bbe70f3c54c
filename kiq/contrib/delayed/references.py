"""From objects to what travels, and back: ``{"$ref": "shop.models.User", "id": 7}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...errors import ArgumentError, KiqError
from . import admitted
from .errors import NotDelayable
from .kinds import kind_of

REF, SHOWN = "$ref", "shown"
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})


class UnknownReference(KiqError, LookupError):
    """A payload names a class that this process has not opted in."""


def dump(value: Any) -> Any:
    """Return *value* as it travels: objects that were opted in as references, also inside lists and dicts.

    Raises NotDelayable for one that was not, and could have been; what else can't travel, the codec says.
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [dump(each) for each in value]
    if type(value) is dict:
        if REF in value:
            raise ArgumentError(f"a dict with the key {REF!r} would be taken for a reference")
        return {key: dump(each) for key, each in value.items()}
    if isinstance(value, type):
        return {REF: _opted_in(value)}
    return _dumped(value)


def _dumped(value: Any) -> Any:
    # What it says its class is: that of the object which a lazy one stands for.
    cls = value.__class__
    kind = kind_of(cls)
    if kind is None:
        return value
    name = _opted_in(cls)
    known = admitted.found(name)
    kept = {REF: name, **kind.dump(value, dump)}
    if known is not None and known.show:
        kept[SHOWN] = {each: dump(getattr(value, each)) for each in known.show}
    return kept


def _opted_in(cls: type) -> str:
    if admitted.of(cls) is None:
        raise NotDelayable(
            f"{cls.__qualname__} was not opted in: write @delayed.delayable above the class, or "
            f"delayed.register({cls.__name__}) where it is not yours"
        )
    return admitted.name_of(cls)


def load(value: Any) -> Any:
    """Return what :func:`dump` was given.

    Raises RefNotFound where a store says that an object is not there, UnknownReference for a class that
    was not opted in, and whatever a store raises that can't be asked.
    """
    if type(value) is list:
        return [load(each) for each in value]
    if type(value) is not dict:
        return value
    if REF not in value:
        return {key: load(each) for key, each in value.items()}
    cls = _class_of(value)
    if value.keys() <= {REF}:
        return cls
    kind = kind_of(cls)
    if kind is None:
        raise UnknownReference(f"{cls.__qualname__} has no key any more by which it could be found")
    return kind.load(cls, value, load)


def _class_of(value: dict[str, Any]) -> type:
    name = value[REF]
    known = admitted.found(name) if isinstance(name, str) else None
    if known is None:
        raise UnknownReference(
            f"no class {str(name)[:200]!r} was opted in here: is its module among those that the "
            "worker imports, and @delayed.delayable above it?"
        )
    return known.cls


def said(value: Any) -> str:
    """Return what travels as text for people: ``<shop.models.User id=7 email='ann@example.org'>``."""
    if isinstance(value, list):
        return f"[{listed(map(said, value))}]"
    if not isinstance(value, dict):
        return repr(value)
    if REF not in value:
        return f"{{{listed(f'{key!r}: {said(each)}' for key, each in value.items())}}}"
    parts = {key: each for key, each in value.items() if key not in (REF, SHOWN, "value")}
    for inner in (value.get("value"), value.get(SHOWN)):
        parts.update(inner if isinstance(inner, dict) else {})
    return (
        f"<{' '.join([str(value[REF]), *(f'{key}={said(each)}' for key, each in parts.items())])}>"
    )


def listed(texts: Iterable[str]) -> str:
    """Return *texts* with commas between them."""
    return ", ".join(texts)
