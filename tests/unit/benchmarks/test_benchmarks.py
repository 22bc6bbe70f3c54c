"""The measurements in benchmarks/ can be started, say what they measure, and find what they look for."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
SCRIPTS = sorted(
    path for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
)


def test_every_measurement_is_there_and_in_the_readme() -> None:
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)\.py` \|", readme, re.MULTILINE)
    assert sorted(listed) == [path.stem for path in SCRIPTS]
    expected = {"load", "latency", "scheduled", "enqueue", "compare", "soak", "recovery"}
    assert expected <= set(listed)


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


def test_the_lock_file_of_bullmq_pins_all_by_digest_and_names_no_registry() -> None:
    folder = BENCHMARKS / "bullmq"
    named = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    (top, *packages) = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))[
        "packages"
    ].values()
    assert top["dependencies"] == named
    assert all(version[0].isdigit() for version in named.values())
    assert all("integrity" in each and "resolved" not in each for each in packages)


def _measured(script: str, folder: Path, *options: str) -> Any:
    """Run a small measurement; return its results, whether or not it met its goals."""
    file = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(BENCHMARKS / script), *options, "--json", str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    # On a busy machine a goal may be missed, which is 1 as well; then the file is there all the same.
    assert done.returncode in (0, 1), done.stderr
    assert file.exists(), done.stdout + done.stderr
    return json.loads(file.read_text(encoding="utf-8"))["results"]


def test_a_soak_looks_after_each_kind_of_job_and_finds_nothing_left_over(tmp_path: Path) -> None:
    small = ("--jobs", "1000", "--failing", "200", "--mixed", "300", "--concurrency", "2")
    found = _measured("soak.py", tmp_path, *small)
    looks = found["looks"]
    assert [(look["kind"], look["jobs"]) for look in looks] == [
        ("warm-up", 10_000),
        ("no-op", 11_000),
        ("failing", 11_200),
        ("1 % large", 11_500),
    ]
    assert all(look["worker"]["memory"] > 10_000_000 for look in looks)
    threads = {look["worker"]["threads"] for look in looks}
    assert len(threads) == 1
    assert all(2 <= look["worker"]["connections"] < look["worker"]["files"] for look in looks)
    assert found["keys_left"] == []


def test_a_recovery_has_the_restart_of_each_job_that_ran_at_the_kill(tmp_path: Path) -> None:
    figures = _measured("recovery.py", tmp_path, "--only", "b", "--runs", "1")
    assert [len(figure["seconds"]) for figure in figures] == [10, 10]
    since_kill, since_ready = (figure["seconds"] for figure in figures)
    assert all(ready <= kill for kill, ready in zip(since_kill, since_ready, strict=True))
