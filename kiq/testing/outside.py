"""The warning for a process that fakes pushes, and runs no tests: its jobs will never run."""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger("kiq.testing")

_RUNNERS = frozenset({"pytest", "unittest", "nose2", "behave", "robot", "ward"})
_VARIABLES = ("KIQ_ENV", "APP_ENV")

_warned: set[int] = set()  # the process that has said so; a forked child says so once more


def warn_outside_tests() -> None:
    """Log a warning, once for each process, unless this looks like a run of tests."""
    if os.getpid() in _warned or in_tests():
        return
    _warned.add(os.getpid())
    logger.warning(
        "kiq.testing keeps the jobs that this process pushes in memory: they never reach Redis, and no "
        "worker runs them. If these are tests, set KIQ_ENV=test; if not, remove the call of kiq.testing"
    )


def in_tests() -> bool:
    """Tell whether a test runner is loaded, or the environment is called ``test``."""
    named = any(os.environ.get(each, "").startswith("test") for each in _VARIABLES)
    return named or not _RUNNERS.isdisjoint(sys.modules)
