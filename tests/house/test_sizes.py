"""Rooms stay small, and the core small enough to read in an afternoon."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.source import (
    KIQ,
    code_lines,
    code_lines_of,
    functions,
    modules,
    name,
    porch,
    room,
    wings,
)

CORE_BUDGET = 11_500  # lines of code; raising it takes an ADR
FILE_LIMIT = 300  # lines of any kind
FUNCTION_LIMIT = 40  # lines, from def to the last, without decorators and docstring

#: What may be larger, and why. Keep both short.
LARGER_FILES: dict[str, int] = {}
LARGER_FUNCTIONS: dict[str, int] = {}


def core() -> list[Path]:
    """The files of the core: all but porch, wings and the embedded server."""
    return [each for each in modules() if room(each) not in porch() | wings() | {"embedded"}]


def test_the_core_stays_within_its_budget() -> None:
    sizes = {name(each): code_lines(each) for each in core()}
    total = sum(sizes.values())
    largest = sorted(sizes, key=lambda each: -sizes[each])[:5]
    assert total <= CORE_BUDGET, f"of {len(sizes)} files the largest are {largest}"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines *function* has, its docstring not counted."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


@pytest.mark.parametrize("path", [*modules(), *sorted(KIQ.rglob("*.lua"))], ids=name)
def test_a_file_has_at_most_300_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LARGER_FILES.get(name(path), FILE_LIMIT), "split it by reason to change"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_function_has_at_most_40_lines(path: Path) -> None:
    for function in functions(path):
        limit = LARGER_FUNCTIONS.get(f"{name(path)}:{function.name}", FUNCTION_LIMIT)
        assert length(function) <= limit, f"{name(path)}:{function.lineno} {function.name}"


def test_only_code_counts_as_code() -> None:
    statement = "x = (  # why\n    1,\n)\n"
    function = 'def f():\n    """Doc."""\n    return """a\n\nb"""\n'
    text = f'"""Doc.\n\nMore."""\n\n# why\n{statement}\n\n{function}'
    assert code_lines_of(text) == 3 + 4
