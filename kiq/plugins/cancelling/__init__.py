"""Cancelling jobs: those that wait are dropped, those that run are interrupted."""

from __future__ import annotations

from .plugin import Cancelling
from .request import cancel

__all__ = ["Cancelling", "cancel"]
