"""The source code of kiq, as the tests of the house look at it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KIQ = ROOT / "kiq"

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """Every Python file of kiq, sorted."""
    return sorted(KIQ.rglob("*.py"))


def name(path: Path) -> str:
    """How a failure names *path*: from the repository's root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    """The part of kiq that *path* belongs to: its folder or file directly under ``kiq/``."""
    return path.relative_to(KIQ).parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of *path*."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


@cache
def project() -> dict[str, Any]:
    """The contents of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def floors() -> tuple[frozenset[str], ...]:
    """The floors of the import contract, from the top: names of rooms."""
    (contract,) = project()["tool"]["importlinter"]["contracts"]
    return tuple(frozenset(re.findall(r"\w+", floor)) for floor in contract["layers"])


def wings() -> frozenset[str]:
    """The rooms that attach to the house and that nothing in it imports."""
    return frozenset().union(*floors()[: _porch_at()])


def porch() -> frozenset[str]:
    """The rooms between the command line and the house, reading the configuration file included."""
    return floors()[_porch_at()] | floors()[_porch_at() + 1]


def _porch_at() -> int:
    return next(at for at, rooms in enumerate(floors()) if "cli" in rooms)


def imported(path: Path) -> set[str]:
    """The names of the top-level packages that *path* imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def functions(path: Path) -> Iterator[Function]:
    """Every function and method in *path*, inner ones included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def public(path: Path) -> Iterator[tuple[str, Documented]]:
    """Every public class, function and method in *path*, with its qualified name."""

    def inside(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Documented]]:
        for node in parent.body:
            if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
                continue
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from inside(node, f"{prefix}{node.name}.")

    yield from inside(tree(path), "")


def code_lines(path: Path) -> int:
    """How many lines of *path* hold code: no docstrings, no comments, no blank lines."""
    return code_lines_of(path.read_text(encoding="utf-8"))


def code_lines_of(text: str) -> int:
    """How many lines of the source *text* hold code."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _LAYOUT:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            held.difference_update(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return len(held)
