"""Cancelling jobs: those that wait are dropped, those that run are interrupted."""

from __future__ import annotations

from .keys import CANCEL_BELL
from .marks import LIFE as MARK_LIFE
from .marks import mark
from .plugin import Cancelling
from .request import cancel

__all__ = ["CANCEL_BELL", "MARK_LIFE", "Cancelling", "cancel", "mark"]
