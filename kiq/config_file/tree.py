"""Settings as somebody wrote them, untyped: what a file, the environment and code have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: the text that stood there, or the object that code passed.

    *plain* is true of text in a file that stood without quotes.
    """

    value: Any
    line: int | None = None
    plain: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was written, as in ``queues:`` with nothing after it."""
        return self.value is None or (self.plain and self.value == "")


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values."""

    items: tuple[Node, ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Keys with their values, in the order written."""

    entries: tuple[tuple[Leaf, Node], ...]
    line: int | None = None


Node = Leaf | Items | Table


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in the configuration: *source* is a file, a variable, a flag or a call."""

    line: int | None
    key: str
    message: str
    source: str

    def __str__(self) -> str:
        """Return ``config/kiq.yml:3: message``."""
        return f"{place(self.source, self.line)}: {self.message}"


class Invalid(Exception):
    """A node does not say what it should; *faults* are pairs (line, message)."""

    def __init__(self, *faults: tuple[int | None, str]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = faults


class MissingVariable(Invalid):
    """A ``${VAR}`` without a default names a variable that is not set."""


def place(source: str, line: int | None) -> str:
    """Return where something stands: ``config/kiq.yml:3``, or the source alone."""
    return source if line is None else f"{source}:{line}"


def node_of(value: Any) -> Node:
    """Return the tree of Python values: mappings, lists and tuples; all else is a leaf."""
    if isinstance(value, Mapping):
        return Table(tuple((Leaf(str(key)), node_of(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return Items(tuple(node_of(item) for item in value))
    return Leaf(value)
