"""Results: the option ``result_ttl``, and how large a result may be."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypedDict

from ...features import Between, Feature, declare
from ...options import seconds


class ResultOptions(TypedDict, total=False):
    """The options of the feature."""

    result_ttl: float | timedelta | None


@dataclass(frozen=True, slots=True)
class ResultSettings:
    """*result_max_bytes*: what is larger is not kept."""

    result_max_bytes: Annotated[int, Between(100, 16 * 1024 * 1024)] = 256 * 1024


def _ttl(value: Any) -> float | None:
    if value is None or value is False:
        return None
    span = seconds(value)
    # By name: who wants no results does without.
    importlib.import_module("kiq.plugins.results").attach()
    return span


declare(Feature("results", options={"result_ttl": _ttl}, settings=ResultSettings, section=""))
