"""Iterable jobs: how long one of their runs may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...features import Between, Feature, declare


@dataclass(frozen=True, slots=True)
class IterationSettings:
    """*max_iteration_runtime* is seconds; 0 is no limit."""

    max_iteration_runtime: Annotated[float, Between(0, 365 * 86400, "seconds")] = 0.0


declare(Feature("iteration", settings=IterationSettings, section=""))
