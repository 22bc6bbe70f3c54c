"""Settings as somebody wrote them, untyped: what a file, the environment and code have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_SUBSTITUTION = re.compile(r"\$\$\{|\$\{(?P<body>[^}]*)(?P<close>\})?")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


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


def expand(node: Node, environ: Mapping[str, str]) -> Node:
    """Return *node* with ``${VAR}`` and ``${VAR:-default}`` replaced in its values, not its keys.

    As in a shell, the default also stands for an empty variable; ``$${`` is a literal ``${``.
    Raises MissingVariable, or Invalid for what is neither form.
    """
    if isinstance(node, Items):
        return replace(node, items=tuple(expand(item, environ) for item in node.items))
    if isinstance(node, Table):
        entries = tuple((key, expand(item, environ)) for key, item in node.entries)
        return replace(node, entries=entries)
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    text = _SUBSTITUTION.sub(lambda found: _substitute(found, environ, node.line), node.value)
    return replace(node, value=text)


def _substitute(found: re.Match[str], environ: Mapping[str, str], line: int | None) -> str:
    if found["body"] is None:
        return "${"
    body = _BODY.fullmatch(found["body"])
    if body is None or not found["close"]:
        form = "write ${VAR} or ${VAR:-default} (or $${ for ${)"
        raise Invalid((line, f"{found[0][:40]} can't be read; {form}"))
    name, default = body["name"], body["default"]
    value = environ.get(name)
    if value is None and default is None:
        raise MissingVariable(
            (line, f"the variable {name} is not set; set it, or write ${{{name}:-default}}")
        )
    if default is not None:
        return value or default
    return value or ""
