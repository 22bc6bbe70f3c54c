"""Readers of settings that are mappings of names: what stands under each, a feature reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .shapes import shaped
from .tree import Invalid, Items, Leaf, Node, Table
from .values import Reader

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def named(parse: Callable[[str, dict[str, Any], int | None], Any]) -> Reader:
    """Return a reader of a mapping of names; *parse* reads what stands under one: ``features.Named``."""

    @shaped({"type": "object", "additionalProperties": {"type": "object"}})
    def read(node: Node) -> dict[str, Any]:
        if not isinstance(node, Table):
            raise Invalid((node.line, "must be a mapping of names, each with a mapping below it"))
        found: dict[str, Any] = {}
        faults: list[tuple[int | None, str]] = []
        for key, value in node.entries:
            name = str(key.value)
            if not isinstance(value, Table):
                faults.append((key.line, f"{name}: must be a mapping"))
                continue
            try:
                found[name] = parse(name, plain_of(value), key.line)
            except ValueError as error:
                faults.append(_fault(name, key, value, error))
        if faults:
            raise Invalid(*faults)
        return found

    return read


def plain_of(node: Node) -> Any:
    """Return the Python value of *node*: text without quotes may be a number, true, false or null."""
    if isinstance(node, Table):
        return {str(key.value): plain_of(value) for key, value in node.entries}
    if isinstance(node, Items):
        return [plain_of(item) for item in node.items]
    value = node.value
    if not node.plain or not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _fault(name: str, key: Leaf, value: Table, error: ValueError) -> tuple[int | None, str]:
    wrong = getattr(error, "key", "")
    for one, _ in value.entries:
        if wrong and one.value == wrong:
            return one.line, f"{name}: {wrong}: {error}"
    return key.line, f"{name}: {f'{wrong} ' if wrong else ''}{error}"
