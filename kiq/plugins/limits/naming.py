"""Which limits a job has: named from its arguments once, when it is pushed, and carried along."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import Any

from ...codec import encode
from ...errors import ArgumentError, ConfigError
from ...registry import registry
from ..declared.limits import callables, limit

FIELD = "limit"
_LONGEST = 100  # characters of a key that is shown as it is


def stamp(payload: dict[str, Any]) -> None:
    """Write into *payload* which limits its job has, once. Raises ConfigError for a key that is none."""
    said = payload[FIELD]
    if not said or (isinstance(said, list) and all("id" in each for each in said)):
        return
    forms = said
    if not (isinstance(said, list) and all(isinstance(each, dict) for each in said)):
        try:
            forms = limit(said)
        except ValueError as error:
            raise ConfigError(f"{payload['class']}: limit: {error}") from None
    payload[FIELD] = [_named(payload, form) for form in forms or ()] or False


def identity(kind: str, name: str, key: Any = None) -> str:
    """Return the name of the limit of *key* in Redis; None is that of no key."""
    return f"{kind}:{name}:{'' if key is None else _text(key)}"


def _named(payload: Mapping[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    if "id" in form:
        return form
    by, name = form.get("key"), form["name"]
    key = None
    if by is not None:
        key = _value(payload, by, name)
        if key is None:
            raise ConfigError(f"{payload['class']}: limit {name}: its key is None for this job")
    try:
        found = {"id": identity(form["kind"], name, key), "terms": form["terms"]}
    except ArgumentError as error:
        raise ConfigError(f"{payload['class']}: limit {name}: its key: {error}") from error
    return {**found, "cost": form["cost"]} if "cost" in form else found


def _value(payload: Mapping[str, Any], by: Any, limit_name: str) -> Any:
    """Return what *by* says of the arguments."""
    name, args, kwargs = str(payload["class"]), payload["args"], payload.get("kwargs") or {}
    if isinstance(by, str):
        if by not in callables:
            raise ConfigError(f"{name}: limit {limit_name}: key={by} is not known in this process")
        return callables[by](*args, **kwargs)
    spec = registry.find(name)
    bound = spec.arity.bound(args, kwargs) if spec is not None else None
    found = {**kwargs, **bound.arguments} if bound is not None else kwargs
    missing = [each for each in by if each not in found]
    if missing:
        raise ConfigError(
            f"{name}: limit {limit_name}: there is no argument {missing[0]!r} for its key "
            f"(there are: {', '.join(map(str, found)) or 'none'})"
        )
    values = [found[each] for each in by]
    if len(values) == 1:
        return values[0]
    return None if any(each is None for each in values) else values


def _text(key: Any) -> str:
    """Return *key* as text: as people write it, or a digest of what is long, or no text nor number."""
    if isinstance(key, Enum):
        key = key.value
    plain = isinstance(key, str | int) and not isinstance(key, bool)
    text = str(key) if plain else ""
    if text and len(text) <= _LONGEST and text.isprintable() and not text.startswith("~"):
        return text
    raw = encode({"class": "key", "args": [key]}, "msgpack")
    return "~" + hashlib.sha256(raw).hexdigest()[:32]
