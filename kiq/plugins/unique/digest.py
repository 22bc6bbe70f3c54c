"""What two jobs have in common that must not be there twice: a digest of class and arguments.

It is made once, when a job is pushed, and travels with it. Equal is what travels as the same: ``1``,
``1.0`` and ``True`` are three values, ``"é"`` in two forms of Unicode is two; a tuple is a list, a
member of an Enum its value, a datetime its moment, and the order of a dict is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import Any

from ...codec import encode
from ...errors import ArgumentError, ConfigError
from ...registry import JobSpec, registry
from ..declared.unique import callables

#: Digests of one form are compared; a kiq that makes them in another way begins with another number.
_FORM = "1-"


def key_of(payload: Mapping[str, Any], by: Any) -> str:
    """Return the digest of what *by*, in the form that travels, says of the job in *payload*.

    Raises ConfigError for an argument that is none, and what a callable raises.
    """
    name = str(payload["class"])
    spec = registry.find(name)
    args, kwargs = payload["args"], payload.get("kwargs") or {}
    common = _common(spec, name, args, kwargs, by)
    try:
        raw = encode({"class": spec.name if spec else name, "args": [_sorted(common)]}, "msgpack")
    except ArgumentError as error:
        raise ConfigError(
            f"{name}: unique: by what is it to be told from others? {error}; name the arguments that "
            "count with by="
        ) from error
    return _FORM + hashlib.sha256(raw).hexdigest()[:32]


def _common(spec: JobSpec | None, name: str, args: Any, kwargs: Any, by: Any) -> Any:
    if isinstance(by, str):
        if by not in callables:
            raise ConfigError(f"{name}: unique: by={by} is not known in this process")
        return ["call", callables[by](*args, **kwargs)]
    bound = spec.arity.bound(args, kwargs) if spec is not None else None
    if by is None:
        if bound is None:  # of another program: as it stands
            return ["all", list(args), dict(kwargs)]
        return ["all", list(bound.args), dict(bound.kwargs)]
    found = {**kwargs, **bound.arguments} if bound is not None else kwargs
    missing = [each for each in by if each not in found]
    if missing:
        raise ConfigError(
            f"{name}: unique: there is no argument {missing[0]!r} for by "
            f"(there are: {', '.join(map(str, found)) or 'none'})"
        )
    return ["by", {each: found[each] for each in by}]


def _sorted(value: Any) -> Any:
    """Return *value* with dicts in the order of their keys, whatever was put in first."""
    if isinstance(value, Enum):
        return _sorted(value.value)
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: (type(pair[0]).__name__, pair[0]))
        return {key: _sorted(inner) for key, inner in pairs}
    if isinstance(value, list | tuple):
        return [_sorted(inner) for inner in value]
    return value
