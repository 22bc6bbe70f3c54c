"""Log levels of jobs: the option ``log_level``."""

from __future__ import annotations

import logging
from typing import Any, TypedDict

from ...features import Feature, declare


class LogLevelOptions(TypedDict, total=False):
    """The options of the feature."""

    log_level: str


def _level(value: Any) -> str:
    if isinstance(value, str) and logging.getLevelNamesMapping().get(value.upper()):
        return value
    raise ValueError(f"must be one of debug, info, warning, error, critical, not {value!r}")


declare(Feature("log_levels", options={"log_level": _level}))
