"""How long no job of a queue shall wait: ``mailers: {weight: 3, latency: 30s}``."""

from __future__ import annotations

import re

from ..errors import ConfigError
from .tree import Items, Leaf, Node, Table

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(s|min|m|h|d|)")
_LONGEST = 366 * 86_400
_RULE = "a queue has weight and latency, as in mailers: {weight: 3, latency: 30s}"


def split(node: Node) -> tuple[float | None, Node]:
    """Return the latency (seconds) that an entry of ``queues`` promises, and the entry without it.

    Raises ConfigError saying what is wrong.
    """
    if isinstance(node, Table) and len(node.entries) == 1:  # - mailers: {...}, in a list
        node = Items(node.entries[0], node.line)
    if not isinstance(node, Items) or len(node.items) != 2 or not isinstance(node.items[1], Table):
        return None, node
    name, table = node.items
    assert isinstance(table, Table)
    said: dict[str, Node] = {str(key.value): value for key, value in table.entries}
    strangers = sorted(said.keys() - {"weight", "latency"})
    if strangers:
        raise ConfigError(f"{_RULE}, not {strangers[0]}")
    latency = said.get("latency")
    weight = said.get("weight", Leaf(None, node.line))
    return None if latency is None else _seconds(latency), Items((name, weight), node.line)


def _seconds(node: Node) -> float:
    value = node.value if isinstance(node, Leaf) else None
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    found = _DURATION.fullmatch(text) if not isinstance(value, bool) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(
            f"the latency of a queue must be a duration, as in 30s, 5m, 2h, not {text!r}"
        )
    return seconds
