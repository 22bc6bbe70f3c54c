"""From a YAML file, the environment, code and flags to one configuration, or to all its problems."""

from __future__ import annotations

from .banner import banner_lines
from .file import LOOKED_FOR, read
from .process import FILE, STARTED, load, outcome, problems, settings, started
from .tree import Problem

__all__ = [
    "FILE",
    "LOOKED_FOR",
    "STARTED",
    "Problem",
    "banner_lines",
    "load",
    "outcome",
    "problems",
    "read",
    "settings",
    "started",
]
