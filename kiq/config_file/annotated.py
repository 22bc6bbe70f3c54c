"""How a setting of a feature is read: as its annotation says."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from ..errors import PluginError
from ..features import Between, Named, Secret, Written
from .named import named
from .values import Reader, boolean, choice, integer, number, secret, text, texts, written


def reader_of(setting: str, kind: Any) -> Reader:
    """Return what reads a value of *kind*. Raises PluginError that names *setting* for what none reads."""
    bare, *marks = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if bare is bool:
        return boolean
    if bare is str:
        return secret if Secret in marks else text
    if bare == tuple[str, ...]:
        return texts
    if get_origin(bare) is Literal:
        return choice(*get_args(bare))
    for mark in marks:
        if isinstance(mark, Named):
            return named(mark.parse)
        if isinstance(mark, Written) and bare is int:
            return written(mark.parse)
    ranges = [mark for mark in marks if isinstance(mark, Between)]
    if bare in (int, float) and ranges:
        low, high, unit = ranges[0].low, ranges[0].high, ranges[0].unit
        return integer(int(low), int(high)) if bare is int else number(low, high, unit)
    raise PluginError(
        f"{setting} can't be read as {kind}: a setting is a bool, a str, a tuple[str, ...], a Literal of "
        "texts, or Annotated[int, Between(low, high)], the same with float, or "
        "Annotated[int, Written(parse)]"
    )
