"""Expiry: the option ``expires_in``."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any, TypedDict

from ...features import Feature, declare
from ...options import seconds


class ExpiryOptions(TypedDict, total=False):
    """The options of the feature."""

    expires_in: float | timedelta | None


def _span(value: Any) -> float | None:
    if value is None:
        return None
    span = seconds(value)
    # By name: who has no job that expires does without.
    importlib.import_module("kiq.plugins.expiry").attach()
    return span


declare(Feature("expiry", options={"expires_in": _span}))
