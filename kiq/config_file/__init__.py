"""From a YAML file, the environment, code and flags to one configuration, or to all its problems."""

from __future__ import annotations

from .file import LOOKED_FOR, load, problems
from .tree import Problem

__all__ = ["LOOKED_FOR", "Problem", "load", "problems"]
