"""The measurements in benchmarks/ can be started, and say what they measure."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = sorted(
    path for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
)


def test_every_measurement_is_there_and_in_the_readme() -> None:
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)\.py` \|", readme, re.MULTILINE)
    assert sorted(listed) == [path.stem for path in SCRIPTS]
    assert {"load", "latency", "scheduled", "enqueue", "compare"} <= set(listed)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_help_says_what_is_measured_and_starts_nothing(script: Path, tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-W", "error", str(script), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert docstring
    assert docstring in asked.stdout
    assert "--json FILE" in asked.stdout
    assert list(tmp_path.iterdir()) == []
