"""Imports go down, and each library is named in one room."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.house.source import (
    KIQ,
    ROOT,
    floors,
    functions,
    imported,
    modules,
    name,
    porch,
    project,
    room,
    tree,
    wings,
)

#: Who may name a library: rooms, or single files, of the house. Wings bring libraries of their own.
MAY_NAME = {
    "redis": {"store"},
    "hiredis": {"store"},
    "msgpack": {"codec"},
    "yaml": {"config_file"},
    "click": {"cli"},
}
#: The modules that reach up, by name: whoever imports kiq must not pay for reading settings before it
#: pushes, who is no asyncio code not for ``HardWorker.aio``, who makes no mistake not for advice.
REACHES_UP = {
    "kiq/configure.py": {"kiq.config_file"},
    "kiq/commands/jobs/working.py": {"kiq.contrib.resque"},
    "kiq/client.py": {"kiq.config_file", "kiq.plugins.push_buffer"},
    "kiq/enqueuing.py": {"kiq.aio"},
    "kiq/belonging.py": {"kiq.plugins.batches"},
    "kiq/inline.py": {"kiq.aio"},
    "kiq/features.py": {"kiq.plugins.declared"},
    "kiq/arity.py": {"kiq.advice.others"},
    "kiq/elsewhere.py": {"kiq.advice.others"},
    "kiq/first_use.py": {"kiq.advice.others"},
    "kiq/options.py": {"kiq.advice.others"},
    "kiq/registry.py": {"kiq.advice.names"},
    "kiq/codec/trouble.py": {"kiq.advice.values"},
    "kiq/cli/draining.py": {"kiq.plugins.draining"},
    "kiq/commands/top.py": {"kiq.top.serving"},  # needs an extra, as the next
    "kiq/commands/web.py": {"kiq.web.serving"},  # needs an extra: the list of commands does not
    "kiq/plugins/declared/unique.py": {"kiq.plugins.unique"},
    "kiq/plugins/declared/expiry.py": {"kiq.plugins.expiry"},
    "kiq/plugins/declared/limits.py": {"kiq.plugins.limits"},
    "kiq/plugins/declared/history.py": {"kiq.plugins.history"},
    "kiq/plugins/declared/results.py": {"kiq.plugins.results"},
}
#: What lies behind the front of a wing, and others may import: what features stand on.
PUBLIC = (
    "kiq.api.home",  # the connection that readers read by
    "kiq.api.finding",  # where a job is
    "kiq.api.job_set",  # who looks for jobs
    "kiq.api.queue",
    "kiq.api.shown",  # reads what other programs may have written
    "kiq.api.fleet",  # who holds jobs: kiq doctor looks at it too
    "kiq.api.sifting",  # pages of lists
    "kiq.api.limits",  # how much the dead set keeps
    "kiq.plugins.declared",  # options of job classes, and settings
    "kiq.plugins.metrics.tally",  # what the metrics of job classes have counted
    "kiq.plugins.metrics.layer",
    "kiq.plugins.metrics.buckets",
    "kiq.web.hosting",  # what mounts in frameworks share
    "kiq.web.visitors",
    "kiq.plugins.interrupting",  # how cancelling and time limits end a job
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    # kiq/__init__.py says to type checkers what it imports from wings at their first use.
    return grimp.build_graph("kiq", cache_dir=None, exclude_type_checking_imports=True)


def test_the_import_contract_is_honoured() -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_contract_knows_every_room_of_the_house() -> None:
    known = frozenset().union(*floors())
    folders = {each.parent.name for each in KIQ.glob("*/__init__.py")}
    assert folders <= known, "a new folder needs a floor in pyproject.toml"
    assert "plugins" in wings()
    assert {"cli", "config_file"} <= porch()


def test_a_folder_of_contrib_names_one_library_which_nothing_else_names() -> None:
    contrib = KIQ / "contrib"
    libraries = {each.parent.name for each in contrib.glob("*/__init__.py")}
    for each in modules():
        inside = each.relative_to(contrib).parts[0] if each.is_relative_to(contrib) else ""
        assert imported(each) & libraries <= {inside}, name(each)


def test_values_import_only_values_and_errors(graph: grimp.ImportGraph) -> None:
    on_a_floor = {f"kiq.{each}" for each in frozenset().union(*floors())}
    values = graph.find_children("kiq") - on_a_floor
    reaching = {
        f"{value} imports {target}"
        for value in values
        for target in graph.find_modules_directly_imported_by(value)
        if target not in values | {"kiq.errors"}
    }
    assert values >= {"kiq.keys", "kiq.verdict"}
    assert not reaching


def test_errors_import_nothing_of_kiq(graph: grimp.ImportGraph) -> None:
    assert not graph.find_modules_directly_imported_by("kiq.errors")


def test_nothing_below_the_porch_imports_the_package_itself(graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import("kiq")
    assert {each for each in importers if each.split(".")[1] not in wings() | porch()} == set()


def test_nothing_in_the_house_imports_a_wing(graph: grimp.ImportGraph) -> None:
    def in_a_wing(module: str) -> bool:
        return f"{module}.".split(".")[1] in wings()

    assert not {
        f"{module} imports {target}"
        for module in graph.modules
        if not in_a_wing(module)
        for target in graph.find_modules_directly_imported_by(module)
        if in_a_wing(target)
    }


@pytest.fixture(scope="module")
def with_types() -> grimp.ImportGraph:
    """What is imported for its types, too."""
    return grimp.build_graph("kiq", cache_dir=None)


def test_no_modules_import_each_other_in_a_circle_not_even_for_types(
    with_types: grimp.ImportGraph,
) -> None:
    left = {each: with_types.find_modules_directly_imported_by(each) for each in with_types.modules}
    while ends := {each for each, targets in left.items() if not targets & left.keys()}:
        left = {each: targets for each, targets in left.items() if each not in ends}
    assert not left, "each of these imports another of them"


def test_no_wing_imports_the_inside_of_a_worker(with_types: grimp.ImportGraph) -> None:
    importing = {
        f"{module} imports {target}"
        for module in with_types.modules
        if f"{module}.".split(".")[1] in wings()
        for target in with_types.find_modules_directly_imported_by(module)
        if f"{target}.".startswith("kiq.work.")
    }
    assert not importing, "features stand on kiq.plugin and kiq.process: docs/plugins.md"


def _wing(module: str) -> str:
    """The wing that *module* is of, or the feature: a front of its own; "" for the house."""
    parts = module.split(".")
    if len(parts) < 2 or parts[1] not in wings():
        return ""
    return ".".join(parts[: 3 if parts[1] == "plugins" else 2])


def test_wings_import_the_fronts_of_others_and_nothing_behind_them(
    with_types: grimp.ImportGraph,
) -> None:
    importing = {
        f"{module} imports {target}"
        for module in with_types.modules
        for target in with_types.find_modules_directly_imported_by(module)
        if _wing(module) and _wing(target) not in ("", _wing(module))
        if target != _wing(target) and not target.startswith(PUBLIC)
    }
    assert not importing, "a wing's front says what others may use: docs/internals.md"


def test_who_reads_a_features_keys_needs_not_what_else_has_them() -> None:
    """The data API alone loads no feature; a feature's reader is had from it all the same."""
    program = """
import sys
from kiq import api
loaded = [name for name in sys.modules if name.startswith("kiq.plugins")]
assert not loaded, loaded
assert [getattr(api, name) for name in api.__all__]
"""
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("library", MAY_NAME)
def test_a_library_is_named_only_in_its_room(library: str) -> None:
    naming = {room(each) for each in modules() if library in imported(each)} - wings()
    assert naming <= MAY_NAME[library]


def test_the_house_names_no_other_library() -> None:
    allowed = set(sys.stdlib_module_names) | set(MAY_NAME) | {"kiq"}
    for each in modules():
        if room(each) not in wings():
            assert imported(each) <= allowed, name(each)


@pytest.mark.parametrize("path", modules(), ids=name)
def test_no_function_imports(path: Path) -> None:
    inner = [
        f"{name(path)}:{node.lineno}"
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner


@pytest.mark.parametrize("path", modules(), ids=name)
def test_no_module_of_kiq_is_imported_by_its_name_in_a_string(path: Path) -> None:
    named = {
        argument.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
        for argument in node.args
        if isinstance(argument, ast.Constant) and str(argument.value).startswith("kiq")
    }
    assert named <= REACHES_UP.get(name(path), set())


def test_the_linter_refuses_imports_in_functions_and_what_runs_foreign_data() -> None:
    lint = project()["tool"]["ruff"]["lint"]
    assert {"PLC0415", "S301", "S102", "S307", "S506"} <= set(lint["select"])
    relaxed = [rule for files, rule in lint["per-file-ignores"].items() if files.startswith("kiq")]
    assert relaxed == [["T20"]], "only the command line prints; nothing else is relaxed in kiq/"
