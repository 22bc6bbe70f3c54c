"""What a field of carried values holds, in each of the forms that Sidekiq's versions give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KIND = "_aj_serialized"
_SYMBOL = "ActiveJob::Serializers::SymbolSerializer"


def values_in(field: Any) -> Mapping[str, Any]:
    """Return what *field* carries by name; empty where it carries nothing, or is of no known form.

    kiq and Sidekiq up to 7 write a mapping, Sidekiq 8 a list of pairs, as ActiveJob serializes them,
    with a symbol for a name; a mapping in a list is read as well. Symbols are text here; what else
    ActiveJob marks (times, records by their global id) stays a mapping with its marks.
    """
    if isinstance(field, dict):
        return {name: field[name] for name in field if not _is_mark(name)}
    if not isinstance(field, list):
        return {}
    if len(field) == 1 and isinstance(field[0], dict):
        found = _plain(field[0])
        return found if isinstance(found, dict) else {}
    pairs = [_plain(pair) for pair in field if isinstance(pair, list) and len(pair) == 2]
    return {name: value for name, value in pairs if isinstance(name, str)}


def _plain(value: Any) -> Any:
    """Return *value* without the marks of what JSON can say itself: symbols, keys of mappings."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(_KIND) == _SYMBOL:
        return value.get("value")
    if _KIND in value or "_aj_globalid" in value:
        return value
    return {name: _plain(each) for name, each in value.items() if not _is_mark(name)}


def _is_mark(name: Any) -> bool:
    return str(name).startswith("_aj_")
