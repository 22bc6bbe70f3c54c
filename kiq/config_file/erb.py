"""Lines of ERB, which is not run here: each is a problem that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .tree import Items, Leaf, Node, Problem, Table

_MAX_ERB = 200
_ERB = re.compile(r"<%.*")
#: A variable and its default, as Ruby writes them. The caller bounds the text: this backtracks.
_VARIABLE = re.compile(
    r"""<%=\s*ENV(?:\.fetch)?[\[(]\s*["'](?P<name>\w+)["']\s*"""
    r"""(?:,\s*(?P<second>[^)]*))?[\])]\s*(?:\|\|(?P<other>[^%]*))?%>"""
)
#: Stands for what ERB would have put there; nobody writes it by hand.
_UNKNOWN = "\ue000erb\ue000"


def problems(text: str, path: str) -> Iterator[Problem]:
    """Yield a problem for each line of *text* on which ERB begins."""
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.split(r"(?:^|\s)#", line, maxsplit=1)[0]
        found = _ERB.search(code)
        if found:
            example = "${VAR:-default}"
            variable = _VARIABLE.match(found[0][:_MAX_ERB])
            if variable:
                default = (variable["second"] or variable["other"] or "").strip("\"' -")
                example = f"${{{variable['name']}{':-' + default if default else ''}}}"
            message = f"ERB (<% %>) is not run here; write {example} for a variable's value"
            yield Problem(number, "", message, path)


def replaced(text: str) -> str:
    """Return *text* with something unknown for each ``<% %>``; a line of nothing else becomes empty."""
    lines, inside = [], False
    for line in text.split("\n"):
        if inside:
            _, closed, line = line.partition("%>")
            inside = not closed
        kept, rest = "", line if not inside else ""
        while "<%" in rest:
            before, _, after = rest.partition("<%")
            _, closed, rest = after.partition("%>")
            kept += before + _UNKNOWN
            if not closed:
                # A comment that only speaks of ERB begins no block.
                inside = re.search(r"(?:^|\s)#", kept) is None
        kept += rest
        lines.append("" if kept.replace(_UNKNOWN, "").strip() == "" else kept)
    return "\n".join(lines)


def pruned(table: Table) -> Table:
    """Return *table* without the entries that hold something unknown, which would be problems twice."""
    kept: list[tuple[Leaf, Node]] = []
    for key, node in table.entries:
        inner = pruned(node) if isinstance(node, Table) else node
        if not _is_unknown(key) and not _is_unknown(inner):
            kept.append((key, inner))
    return replace(table, entries=tuple(kept))


def _is_unknown(node: Node) -> bool:
    if isinstance(node, Items):
        return any(_is_unknown(item) for item in node.items)
    if isinstance(node, Table):
        return any(_is_unknown(key) or _is_unknown(value) for key, value in node.entries)
    return isinstance(node.value, str) and _UNKNOWN in node.value
