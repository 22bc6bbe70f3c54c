"""The Python in our documents and examples is right to type checkers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house.source import ROOT, name
from tests.typing.checkers import TIME_LIMIT, Complaint, mypy, pyright

Checker = Callable[..., list[Complaint]]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Pages whose blocks can't be checked, and why.
UNCHECKED: dict[str, str] = {}
#: Folders whose modules import each other by their bare names, as scripts do.
EXAMPLES = [
    ROOT / "demo",
    # Django has no types of its own, and an application that was written for Celery has none.
    *sorted(
        {each.parent for each in ROOT.glob("examples/*/*.py")}
        - {ROOT / "examples/django", ROOT / "examples/from_celery"}
    ),
]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE_NAME = re.compile(r"# (\w+)\.py\n")


def modules_of(page: Path) -> dict[str, str]:
    """The blocks of *page* as modules: one for all, and one for each that begins with a file's name.

    A block that needs names of such a file imports them; the lines of the page are kept.
    """
    text = page.read_text("utf-8")
    whole = f"page_{re.sub(r'[^a-z]', '_', page.stem.lower())}"
    found: dict[str, list[str]] = {whole: ["import kiq"]}
    for match in _BLOCK.finditer(text):
        block, line = match[1], text.count("\n", 0, match.start()) + 2
        file = _FILE_NAME.match(block)
        module = found.setdefault(file[1] if file else whole, [])
        module += [""] * (line - 1 - len(module)) + block.splitlines()
    return {key: "\n".join(lines) + "\n" for key, lines in found.items() if len(lines) > 1}


def test_the_blocks_of_a_page_keep_their_lines(tmp_path: Path) -> None:
    page = tmp_path / "some-page.md"
    page.write_text("# X\n```python\na = 1\n```\ntext\n```python\n# jobs.py\nb = 2\n```\n")
    assert modules_of(page) == {
        "page_some_page": "import kiq\n\na = 1\n",
        "jobs": "\n\n\n\n\n\n# jobs.py\nb = 2\n",
    }


@pytest.mark.timeout(TIME_LIMIT)
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_blocks_of_every_page_are_right(checker: Checker, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for page in PAGES:
        if page.name not in UNCHECKED:
            for module, text in modules_of(page).items():
                assert not (folder / f"{module}.py").exists(), f"{page.name}: a second {module}.py"
                (folder / f"{module}.py").write_text(text)
    assert len(list(folder.iterdir())) >= 6
    found = checker(folder, strict=False)
    assert [f"{Path(each.file).name}:{each.line} {each.text}" for each in found] == []


@pytest.mark.timeout(TIME_LIMIT)
@pytest.mark.parametrize(("checker", "strict"), [(mypy, True), (pyright, False)])
@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_the_examples_are_right(
    checker: Checker, strict: bool, example: Path, tmp_path: Path
) -> None:
    # A copy, for in it a module has one name: an example's modules import each other as scripts do.
    folder = shutil.copytree(example, tmp_path / example.name)
    found = checker(folder, strict=strict)
    assert [f"{Path(each.file).name}:{each.line} {each.text}" for each in found] == []
