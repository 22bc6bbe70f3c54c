"""History: the options ``history`` and ``capture_log``."""

from __future__ import annotations

import importlib
from typing import Any, TypedDict

from ...features import Feature, declare

#: Attempts, and lines, that are kept where nothing else is said; and the most of both.
ATTEMPTS, LINES = 10, 200
MOST_ATTEMPTS, MOST_LINES = 100, 1_000


class HistoryOptions(TypedDict, total=False):
    """The options of the feature."""

    history: bool | int
    capture_log: bool | int


def _number(value: Any, usual: int, most: int) -> int:
    if isinstance(value, bool):
        number = usual if value else 0
    elif isinstance(value, int) and 0 <= value <= most:
        number = value
    else:
        raise ValueError(f"must be True, False or a number from 0 to {most}, not {value!r}")
    if number:
        # By name: who keeps no history does without.
        importlib.import_module("kiq.plugins.history").attach()
    return number


def _attempts(value: Any) -> int:
    return _number(value, ATTEMPTS, MOST_ATTEMPTS)


def _lines(value: Any) -> int:
    return _number(value, LINES, MOST_LINES)


declare(Feature("history", options={"history": _attempts, "capture_log": _lines}))
