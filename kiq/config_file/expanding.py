"""``${VAR}`` and ``${VAR:-default}`` in the values of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .tree import Invalid, Items, MissingVariable, Node, Table

_MOST_NESTED = 10
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EDGE = re.compile(r"\$\$\{|\$\{|\}")


def expand(node: Node, environ: Mapping[str, str]) -> Node:
    """Return *node* with ``${VAR}`` and ``${VAR:-default}`` replaced in its values, not its keys.

    As in a shell, the default also stands for an empty variable, and may hold others in turn;
    ``$${`` is a literal ``${``. Raises MissingVariable, or Invalid for what is neither form.
    """
    if isinstance(node, Items):
        return replace(node, items=tuple(expand(item, environ) for item in node.items))
    if isinstance(node, Table):
        entries = tuple((key, expand(item, environ)) for key, item in node.entries)
        return replace(node, entries=entries)
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    return replace(node, value=_Text(environ, node.line).expanded(node.value))


class _Anything(dict[str, str]):
    """Variables that are all set, and empty: with these every default is looked at."""

    def get(self, name: str, default: object = None) -> str:  # noqa: ARG002
        return ""


@dataclass(frozen=True, slots=True)
class _Text:
    environ: Mapping[str, str]
    line: int | None

    def expanded(self, text: str, depth: int = 0) -> str:
        if depth > _MOST_NESTED:
            raise Invalid((self.line, f"variables stand in one another more than {depth - 1} deep"))
        parts, at = [], 0
        while (start := text.find("${", at)) >= 0:
            if text[max(0, start - 1) : start] == "$":
                parts.append(text[at : start - 1] + "${")
                at = start + 2
                continue
            end = self._end(text, start)
            parts += (text[at:start], self._value(text[start : end + 1], depth))
            at = end + 1
        return "".join((*parts, text[at:]))

    def _end(self, text: str, start: int) -> int:
        """Return where the brace is that closes the one after *start*."""
        opened = 0
        for edge in _EDGE.finditer(text, start):
            opened += {"${": 1, "}": -1}.get(edge[0], 0)
            if opened == 0:
                return edge.start()
        raise self._unreadable(text[start:])

    def _value(self, whole: str, depth: int) -> str:
        body = whole[2:-1]
        name, separator, default = body.partition(":-")
        if not _NAME.fullmatch(name):
            raise self._unreadable(whole)
        value = self.environ.get(name)
        if not separator and value is None:
            advice = f"set it, or write ${{{name}:-default}}"
            raise MissingVariable((self.line, f"the variable {name} is not set; {advice}"))
        if not separator or value:
            _Text(_Anything(), self.line).expanded(default, depth + 1)  # for its mistakes alone
            return value or ""
        return self.expanded(default, depth + 1)

    def _unreadable(self, text: str) -> Invalid:
        form = "write ${VAR} or ${VAR:-default} (or $${ for ${)"
        return Invalid((self.line, f"{text[:40]} can't be read; {form}"))
