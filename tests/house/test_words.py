"""Words and calls that have no place here, and documents that must keep up."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from kiq import keys
from tests.house.source import KIQ, ROOT, Function, modules, name, public, tree

BANNED = re.compile(
    r"(?<!importlib\.)(?<!celery\.)(?<!django\.)(?<!django\.test\.)(?<!email\.)\b(utils?|TODO|FIXME|XXX|HACK)\b",
    re.IGNORECASE,
)
FOLDERS = ("kiq", "tests", "docs", "config", "deploy", "benchmarks", "demo", "examples", ".ci")
SUFFIXES = (".py", ".lua", ".sh", ".md", ".yml", ".toml")
#: The files that state the rule, and so say the words.
STATE_THE_RULE = {"tests/house/test_words.py", "CONTRIBUTING.md"}

INTERNALS = ROOT / "docs" / "internals.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAY_SLEEP = {"tests/helpers/waiting.py"}


def texts() -> list[Path]:
    """Every file of the repository that people read."""
    inner = [each for folder in FOLDERS for each in (ROOT / folder).rglob("*")]
    return sorted(each for each in [*ROOT.glob("*"), *inner] if each.suffix in SUFFIXES)


def test_no_banned_word_is_in_any_file() -> None:
    found = [
        f"{name(path)}:{number} {line.strip()}"
        for path in texts()
        if name(path) not in STATE_THE_RULE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert not found, "name it by what it does, or finish it"


def test_no_file_is_named_by_a_banned_word() -> None:
    assert not [name(path) for path in texts() if BANNED.search(path.stem.replace("_", " "))]


def test_no_path_of_a_machine_is_in_any_file() -> None:
    machine = (f"{ROOT}/", f"{Path.home()}/")
    found = [
        name(path)
        for path in texts()
        if any(each in path.read_text(encoding="utf-8") for each in machine)
    ]
    assert not found


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_a_test_sleeps_only_inside_a_job(path: Path) -> None:
    if name(path) in MAY_SLEEP:
        return
    assert not [f"{name(path)}:{line}" for line in _sleeps(tree(path))], (
        "poll with tests.helpers.waiting.eventually"
    )


def test_a_sleep_is_seen_wherever_it_hides() -> None:
    text = (
        "import time\nfrom time import sleep\n"
        "def test_a(): time.sleep(1)\ndef test_b(): sleep(1)\n"
        "@kiq.job\ndef slow(): time.sleep(1)\n"
        "class Slow(kiq.Job):\n    def perform(self): time.sleep(1)\n"
    )
    assert _sleeps(ast.parse(text)) == [3, 4]


def keys_of_features() -> list[str]:
    """The modules of keys that features have."""
    found = [name(each) for each in KIQ.glob("plugins/*/keys.py")]
    return [each.removesuffix(".py").replace("/", ".") for each in found]


def test_features_have_their_keys_in_modules_of_their_own() -> None:
    assert "kiq.plugins.metrics.keys" in keys_of_features()


#: What names lists of queues and reads such names.
_OF_LISTS = ("band", "bands", "queue_and_band", "list_name")


def test_every_key_is_documented() -> None:
    document = INTERNALS.read_text(encoding="utf-8")
    constants = [
        value
        for module in (keys, *(importlib.import_module(each) for each in keys_of_features()))
        for constant, value in vars(module).items()
        if constant.isupper() and not constant.startswith("_") and isinstance(value, str)
    ]
    prefixes = {
        **{"queue": "queue:", "record": "kiq:owner:", "work": ":work", "signals": "-signals"},
        "iteration": "it-JID",
    }
    builders = [
        prefixes.get(function, f"kiq:{function}:")
        for function, _ in public(KIQ / "keys.py")
        if function not in ("queue_name", "source_and_owner", "stat_day", *_OF_LISTS)
    ]
    assert [key for key in constants + builders if key not in document] == []


def test_every_package_and_module_of_the_house_is_in_the_list() -> None:
    document = INTERNALS.read_text(encoding="utf-8")
    _, _, chapter = document.partition("## The packages\n")
    listed, _, _ = chapter.partition("\n## ")
    named = {each.strip("/").rpartition("/")[2] for each in re.findall(r"`([\w/]+)`", listed)}
    rooms = {each.name.removesuffix(".py") for each in KIQ.iterdir() if each.suffix == ".py"}
    for folder in (KIQ, KIQ / "plugins", KIQ / "contrib"):
        rooms |= {each.parent.name for each in folder.glob("*/__init__.py")}
    rooms |= {each.name.removesuffix(".py") for each in (KIQ / "plugins").glob("*.py")}
    missing = sorted(rooms - named - {"__init__", "__main__", "contrib"})
    assert not missing, "say under 'The packages' in docs/internals.md what each owns"


def test_decisions_have_a_number_each_and_their_three_parts() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == sorted(set(numbers))
    for path in DECISIONS:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. "), name(path)
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], name(path)


def test_every_python_file_of_kiq_postpones_annotations() -> None:
    future = "from __future__ import annotations"
    assert not [
        name(path)
        for path in modules()
        if len(tree(path).body) > 1 and future not in path.read_text(encoding="utf-8")
    ]


def _sleeps(module: ast.AST) -> list[int]:
    """The lines of *module* that sleep outside a job."""
    found: list[int] = []
    for child in ast.iter_child_nodes(module):
        if isinstance(child, Function) and _is_job(child):
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func) in ("time.sleep", "sleep"):
            found.append(child.lineno)
        found.extend(_sleeps(child))
    return found


def _is_job(function: Function) -> bool:
    decorators = [ast.unparse(each).partition("(")[0] for each in function.decorator_list]
    return function.name in ("perform", "each") or any(
        each in ("kiq.job", "job") for each in decorators
    )
