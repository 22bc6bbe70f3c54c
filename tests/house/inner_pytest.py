"""Runs pytest on this project's own tests, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from tests.house.source import ROOT


def pytest_says(arguments: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run pytest with *arguments*; return its exit code, and what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
