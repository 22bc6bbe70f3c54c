"""Every block of README, pasted in its order: commands into one shell, the rest into the files it names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.walk.shell import Shell

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Give the language and the text of each block of *page*."""
    for match in _BLOCK.finditer(page.read_text("utf-8")):
        yield match[1], match[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of this checkout would hold, and the changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / "kiq" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "kiq" / name)
    return tmp_path / "kiq"


def test_what_readme_says_works_in_a_clone(clone: Path) -> None:
    page, worker_ran = clone / "README.md", 0
    folder = clone.parent / "try-kiq"  # where the first block leads
    with Shell(clone) as shell:
        for language, text in blocks(page):
            if language in ("python", "yaml"):
                name = text.splitlines()[0].removeprefix("# ")
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text)
            for line in text.splitlines() if language == "bash" else ():
                if line.startswith("make "):
                    continue  # `.ci/run` does
                if re.match(r"kiq( -|  |$)", line):
                    says = re.findall(r'"([^"]+)"', line.partition("#")[2])
                    assert "ERROR" not in shell.runs(line, *says)
                    worker_ran += 1
                else:
                    output = shell.types(line)
                    if line == "kiq check":
                        assert output.splitlines()[-1] == "ok"
        assert Path(shell.types("pwd")) == folder
        assert (folder / ".kiq").is_dir()
    assert worker_ran == 3


def test_the_example_of_django_works_in_a_clone(clone: Path) -> None:
    (text,) = [text for _, text in blocks(clone / "examples" / "django" / "README.md")]
    with Shell(clone / "examples" / "django") as shell:
        shell.types(
            f"{sys.executable} -m venv {clone.parent}/here && . {clone.parent}/here/bin/activate"
        )
        for line in text.splitlines():
            if line.startswith("kiq "):
                shell.runs(line, *re.findall(r'"([^"]+)"', line.partition("#")[2]))
            else:
                shell.types(line)
