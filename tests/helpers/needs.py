"""Tests of what kiq can do without, and where they are left out.

``@pytest.mark.needs("greenlet")`` on a test, or ``pytestmark = pytest.mark.needs("greenlet")`` in a file
that imports it, names modules that the test can't do without. Where one is missing that is an error,
unless ``KIQ_TEST_WITHOUT`` names it, as CI does where it tries kiq without its extras: then such tests
are left out, and the summary tells how many, for want of what.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

MARKER = (
    "needs(*modules): leave the test out where KIQ_TEST_WITHOUT names one of the modules, "
    "and fail where one is missing otherwise"
)


class Needs:
    """Leaves out what needs one of the modules *without*; a plugin of pytest."""

    def __init__(self, without: frozenset[str]) -> None:
        self._without = without
        self._left_out: Counter[str] = Counter()

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Leave out a file that can't even be imported: what it needs is read without running it."""
        missing = self._without & set(_needed_by_file(module_path))
        if not missing:
            return None
        module: _LeftOut = _LeftOut.from_parent(parent, path=module_path)
        module.note = lambda: self._note(missing, "files")
        return module

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out single tests."""
        kept, left_out = [], []
        for item in items:
            missing = self._without & _needed_by(item)
            if missing:
                self._note(missing, "tests")
                left_out.append(item)
            else:
                kept.append(item)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail where what a test needs is missing, and nobody has said so."""
        missing = [each for each in sorted(_needed_by(item)) if not is_installed(each)]
        if missing:
            pytest.fail(
                f"it needs {', '.join(missing)}, which is not installed: make setup; "
                "or leave such tests out by KIQ_TEST_WITHOUT",
                pytrace=False,
            )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that writes the summary, where tests run in several."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["left_out"] = dict(self._left_out)

    @pytest.hookimpl(optionalhook=True)  # of pytest-xdist
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what one of several processes left out; each has left out the same."""
        self._left_out = Counter(getattr(node, "workeroutput", {}).get("left_out", self._left_out))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out, and why."""
        for what, count in sorted(self._left_out.items()):
            terminalreporter.write_line(f"left out for want of {what}: {count}")

    def _note(self, missing: Iterable[str], what: str) -> None:
        self._left_out[f"{' and '.join(sorted(missing))}, {what}"] += 1


class _LeftOut(pytest.Module):
    """A file that is not imported, and so has no tests here."""

    note: Callable[[], None]

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        self.note()  # here, as pytest makes modules of files that nobody asked for too
        return ()


def announced() -> frozenset[str]:
    """Return the modules that ``KIQ_TEST_WITHOUT`` names. Raises UsageError for one that is there."""
    names = frozenset(os.environ.get("KIQ_TEST_WITHOUT", "").replace(",", " ").split())
    there = [each for each in sorted(names) if is_installed(each)]
    if there:
        raise pytest.UsageError(f"KIQ_TEST_WITHOUT names {', '.join(there)}, which is installed")
    return names


def is_installed(module: str) -> bool:
    """Tell whether *module*, a top-level one, can be imported."""
    return importlib.util.find_spec(module) is not None


def _needed_by(item: pytest.Item) -> set[str]:
    return {each for marker in item.iter_markers("needs") for each in marker.args}


def _needed_by_file(path: Path) -> Iterator[str]:
    """Give the modules of ``pytestmark = pytest.mark.needs(...)`` in the file *path*."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            calls = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            for call in calls:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.needs":
                    yield from (ast.literal_eval(each) for each in call.args)
