"""mypy and pyright, as users run them, and what they complain of."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.house.source import ROOT

HERE = Path(__file__).parent
TIME_LIMIT = 170  # seconds; without its cache mypy reads the whole of kiq and redis-py first


class Complaint(NamedTuple):
    """One error: *code* is mypy's error code, or pyright's rule."""

    file: str
    line: int
    code: str
    text: str


def mypy(*paths: Path, strict: bool = True) -> list[Complaint]:
    """Return what mypy says of *paths*; not *strict*: functions need no annotations."""
    mode = ["--strict"] if strict else ["--check-untyped-defs", "--allow-redefinition"]
    # Not by our pyproject.toml: users have another. A cache for each mode: they don't share one.
    files = [f"--config-file={HERE / 'mypy.ini'}", f"--cache-dir={ROOT}/.mypy_cache/users{mode[0]}"]
    options = ["--no-error-summary", "--hide-error-context", "--no-pretty"]
    # As seen from here: in its cache, mypy keeps names as they were given.
    names = [os.path.relpath(path, ROOT) for path in paths]
    done = _run([sys.executable, "-m", "mypy", *mode, *files, *options, *names], paths[0])
    found = re.findall(r"^(\S+?):(\d+): error: (.*?)  \[([\w-]+)\]$", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count(": error: "), done.stdout
    return [
        Complaint(os.path.abspath(ROOT / file), int(line), code, text)
        for file, line, text, code in found
    ]


def pyright(*paths: Path, strict: bool = True) -> list[Complaint]:
    """Return what pyright says of *paths*, which are neighbours; not *strict*: by its usual rules."""
    mode = "strict" if strict else "standard"
    folder = paths[0].parent  # pyright takes what it includes from beside its configuration
    config = folder / f"pyright-{mode}-{os.getpid()}.json"
    settings = {"include": [path.name for path in paths], "extraPaths": [str(ROOT)]}
    config.write_text(json.dumps({**settings, "typeCheckingMode": mode, "pythonVersion": "3.11"}))
    try:
        options = ["-p", str(config), "--pythonpath", sys.executable, "--outputjson"]
        done = _run([sys.executable, "-m", "pyright", *options], paths[0])
    finally:
        config.unlink()
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(paths), done.stdout
    return [
        Complaint(
            each["file"], each["range"]["start"]["line"] + 1, each.get("rule", ""), each["message"]
        )
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    ]


def _run(command: list[str], first: Path) -> subprocess.CompletedProcess[str]:
    """Run *command* so that modules in *first* find each other, and kiq is this tree's."""
    done = subprocess.run(
        command,
        # Without what these variables can say, pyright goes by itself alone: no look for newer ones.
        env={**os.environ, "MYPYPATH": f"{ROOT}:{first}", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done
