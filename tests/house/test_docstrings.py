"""Every room says what it is for, and every public name what it does."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import kiq
from tests.house.source import KIQ, modules, name, public, tree

SCRIPTS = sorted((KIQ / "store" / "lua").glob("*.lua"))
# Parts of other scripts: they have no keys of their own.
SHARED = ("enqueue.lua", "ring.lua", "suspicions.lua")


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_module_says_in_one_line_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(tree(path))
    assert docstring, f"{name(path)} has no docstring"
    first, _, rest = docstring.partition("\n")
    assert first.endswith("."), "the first line is a whole sentence"
    assert not rest or rest.startswith("\n"), "an empty line follows the first"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    silent = [
        f"{name(path)}:{node.lineno} {qualified}"
        for qualified, node in public(path)
        if ast.get_docstring(node) is None and not _speaks_elsewhere(node)
    ]
    assert not silent


@pytest.mark.parametrize("exported", kiq.__all__)
def test_an_exported_name_has_a_docstring_of_its_own(exported: str) -> None:
    value = getattr(kiq, exported)
    if callable(value):
        assert (value.__doc__ or "").strip()
        assert not inspect.isclass(value) or value.__doc__ != value.__mro__[1].__doc__
    else:
        assert (type(value).__doc__ or "").strip()


def test_the_public_names_are_sorted_and_complete() -> None:
    assert kiq.__all__ == sorted(set(kiq.__all__))
    (kiq_init,) = [each for each in modules() if name(each) == "kiq/__init__.py"]
    brought = {
        alias.asname or alias.name
        for node in ast.walk(tree(kiq_init))
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
        if not (alias.asname or "").startswith("_")
    }
    assert brought == set(kiq.__all__)


def test_there_are_scripts_to_look_at() -> None:
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_says_what_it_does_takes_and_returns(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    head = []
    for line in lines:
        if not line.startswith("--"):
            break
        head.append(line.removeprefix("--").strip())
    assert head, "begin with what the script does"
    assert head[0][:1].isupper()
    if path.name not in SHARED:
        first_words = [line.partition(" ")[0] for line in head]
        assert [word for word in first_words if word in ("KEYS", "ARGV", "returns")] == [
            "KEYS",
            "ARGV",
            "returns",
        ]


def _speaks_elsewhere(node: ast.AST) -> bool:
    """Whether *node* is an overload or a property's setter: their sibling has the docstring."""
    return any(
        ast.unparse(decorator).rpartition(".")[2] in ("overload", "setter", "deleter")
        for decorator in getattr(node, "decorator_list", [])
    )
