"""Profiling: the option ``profile``."""

from __future__ import annotations

from typing import TypedDict

from ...features import Feature, declare
from ...options import string


class ProfilingOptions(TypedDict, total=False):
    """The options of the feature."""

    profile: str


declare(Feature("profiling", options={"profile": string}))
