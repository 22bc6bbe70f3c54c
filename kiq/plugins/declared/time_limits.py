"""Time limits: the option ``time_limit``, and what is done about jobs that don't heed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypedDict

from ...features import Between, Feature, declare
from ...options import seconds


class TimeLimitOptions(TypedDict, total=False):
    """The options of the feature."""

    time_limit: float | timedelta


@dataclass(frozen=True, slots=True)
class TimeLimitSettings:
    """*time_limit_grace* is seconds that an interrupted job has to end, *max_stuck* a number of jobs."""

    time_limit_grace: Annotated[float, Between(0.1, 86400, "seconds")] = 30.0
    max_stuck: Annotated[int, Between(0, 1000)] = 0


declare(
    Feature("time_limits", options={"time_limit": seconds}, settings=TimeLimitSettings, section="")
)
