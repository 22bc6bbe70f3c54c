"""Readers of single values: from what somebody wrote to the type that a setting has."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from ..config import Mode, check_namespace
from ..errors import ConfigError
from ..redis_url import parse
from ..store.source import check_client
from . import promises, shapes
from .shapes import shaped
from .tree import Invalid, Items, Leaf, Node, Table
from .weights import parse_queues

#: Returns the typed value of a node; raises Invalid.
Reader = Callable[[Node], Any]
Queues = tuple[tuple[tuple[str, int], ...], Mode, tuple[tuple[str, float], ...]]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def integer(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from *low* to *high*."""

    @shaped(*shapes.whole(low, high))
    def read(node: Node) -> int:
        value = _leaf_value(node)
        # Twelve digits are more than any range here has; int() of thousands of them is slow.
        if isinstance(value, str) and _INTEGER.fullmatch(value) and len(value) <= 12:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(node, f"must be a whole number from {low} to {high}")
        return value

    return read


def seconds(low: float, high: float) -> Reader:
    """Return a reader of numbers of seconds from *low* to *high*."""
    return number(low, high, "seconds")


def number(low: float, high: float, unit: str = "") -> Reader:
    """Return a reader of numbers, of *unit* if it is named, from *low* to *high*."""
    what = f"a number of {unit}" if unit else "a number"

    @shaped(*shapes.number(low, high))
    def read(node: Node) -> float:
        value = _leaf_value(node)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not low <= value <= high:
            raise _wrong(node, f"must be {what} from {low:g} to {high:.10g}")
        return float(value)

    return read


def written(parse: Callable[[Any], int]) -> Reader:
    """Return a reader of what *parse* makes a number of; it raises ValueError with the rule."""

    @shaped({"type": ["string", "number"]})
    def read(node: Node) -> int:
        value = _leaf_value(node)
        try:
            return parse(value)
        except ValueError as error:
            raise _wrong(node, str(error)) from None

    return read


@shaped(*shapes.BOOLEAN)
def boolean(node: Node) -> bool:
    """Read yes/no, true/false, on/off or 1/0, in any case."""
    value = _leaf_value(node)
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise _wrong(node, "must be true or false")
    return known


def choice(*allowed: str, **synonyms: str) -> Reader:
    """Return a reader of one of the *allowed* words; *synonyms* are other spellings of them."""

    @shaped(*shapes.words(*allowed, *synonyms))
    def read(node: Node) -> str:
        value = _leaf_value(node)
        word = value.lower() if isinstance(value, str) else ""
        word = synonyms.get(word, word)
        if word not in allowed:
            raise _wrong(node, f"must be one of {', '.join(allowed)}")
        return word

    return read


@shaped(*shapes.TEXT)
def text(node: Node) -> str:
    """Read text without control characters."""
    value = _leaf_value(node)
    if not isinstance(value, str) or not value.isprintable():
        raise _wrong(node, "must be text on one line")
    return value


@shaped(*shapes.SECRET)
def secret(node: Node) -> str:
    """Read text that no message may show."""
    value = _leaf_value(node)
    if not isinstance(value, str):
        raise Invalid((node.line, "must be text"))
    return value


def changing(read: Reader) -> Reader:
    """Return a reader of what *read* reads, or of a function of code that is asked at each connection."""

    @functools.wraps(read)
    def read_either(node: Node) -> Any:
        value = _leaf_value(node)
        return value if callable(value) else read(node)

    return read_either


@shaped(*shapes.WORD)
def word(node: Node) -> str:
    """Read the name of an environment."""
    value = text(node)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", value):
        raise _wrong(node, "must be a name of letters, digits, _ and -")
    return value


@shaped(*shapes.TEXTS)
def texts(node: Node) -> tuple[str, ...]:
    """Read a list of texts; a single text counts as a list of one."""
    if isinstance(node, Leaf):
        return (text(node),) if node.value != "" else ()
    if isinstance(node, Table):
        raise Invalid((node.line, "must be a list of texts, not a mapping"))
    values = tuple(text(item) for item in node.items)
    if "" in values:
        raise Invalid((node.line, "must not hold an empty text"))
    return values


@shaped(*shapes.URL)
def url(node: Node) -> Any:
    """Read the URL of a Redis, or "embedded", or "embedded:FOLDER"; no message shows any of it.

    Code may give a ``redis.Redis`` in its place.
    """
    value = _leaf_value(node)
    try:
        if not isinstance(value, str):
            check_client(value)
            return value
        parse(value.strip())
    except ConfigError as error:
        raise Invalid((node.line, str(error))) from None
    return value.strip()


@shaped(*shapes.CLIENT_NAME)
def client_name(node: Node) -> str:
    """Read a name for CLIENT SETNAME, which takes no spaces."""
    value = text(node)
    if not re.fullmatch(r"[!-~]{1,100}", value):
        raise _wrong(node, "must be a name of ASCII characters without spaces")
    return value


@shaped(*shapes.NAMESPACE)
def namespace(node: Node) -> str:
    """Read what the names of all keys begin with."""
    if isinstance(node, Table):  # to YAML braces are a mapping
        raise Invalid((node.line, 'must be text: write braces in quotes, as in "{shop}"'))
    try:
        return check_namespace(_leaf_value(node))
    except ConfigError as error:
        raise Invalid((node.line, str(error).removeprefix("redis.namespace "))) from None


@shaped(*shapes.QUEUES)
def queues(node: Node) -> Queues:
    """Read queues in any of the forms of Sidekiq, or as a mapping of queues to weights."""
    entries: list[tuple[str, int | None]] = []
    latencies: dict[str, float] = {}
    faults: list[tuple[int | None, str]] = []
    for part in _queue_nodes(node):
        try:
            promised, part = promises.split(part)
            entry = _queue_entry(part)
            parse_queues([entry])
            entries.append(entry)
            latencies.update({} if promised is None else {entry[0]: promised})
        except ConfigError as error:
            faults.append((part.line, str(error)))
    if faults:
        raise Invalid(*faults)
    try:
        return (*parse_queues(entries), tuple(latencies.items()))
    except ConfigError as error:
        raise Invalid((node.line, str(error))) from error


def _leaf_value(node: Node) -> Any:
    if isinstance(node, Leaf):
        return node.value.strip() if isinstance(node.value, str) and node.plain else node.value
    kind = "a list" if isinstance(node, Items) else "a mapping"
    raise Invalid((node.line, f"must be a single value, not {kind}"))


def _wrong(node: Node, rule: str) -> Invalid:
    value = node.value if isinstance(node, Leaf) else ""
    shown = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    return Invalid((node.line, f"{rule}, not {shown if len(shown) <= 60 else shown[:60] + '…'}"))


def _queue_nodes(node: Node) -> list[Node]:
    if isinstance(node, Table):
        return [Items((key, weight), key.line) for key, weight in node.entries]
    if isinstance(node, Leaf):
        if not isinstance(node.value, str):
            return [node]
        return [Leaf(part, node.line, node.plain) for part in node.value.split()]
    return list(node.items)


def _queue_entry(node: Node) -> tuple[str, int | None]:
    parts = _queue_parts(node)
    name = parts[0].value
    # The ":critical" of a sidekiq.yml is a Ruby symbol: its name is critical.
    if parts[0].plain and parts[0].line is not None and isinstance(name, str):
        name = name.removeprefix(":")
    if len(parts) == 1 or parts[1].empty:
        return name, None
    weight = parts[1].value
    if isinstance(weight, str) and _INTEGER.fullmatch(weight) and len(weight) <= 12:
        weight = int(weight)
    return name, weight


def _queue_parts(node: Node) -> list[Leaf]:
    if isinstance(node, Leaf):
        if isinstance(node.value, str) and "," in node.value:
            name, _, weight = node.value.rpartition(",")
            name = name.strip() if node.plain else name
            # The comma at the end says that those before it belong to the name.
            leaf = Leaf(weight.strip() or None, node.line)
            return [Leaf(name, node.line, node.plain), leaf]
        return [node]
    items: tuple[Node, ...] = ()
    if isinstance(node, Items):
        items = node.items
    elif len(node.entries) == 1:
        items = node.entries[0]
    leaves = [item for item in items if isinstance(item, Leaf)]
    if len(leaves) != len(items) or not 1 <= len(leaves) <= 2:
        raise ConfigError("a queue is a name, or a name and a weight as in [critical, 6]")
    return leaves
