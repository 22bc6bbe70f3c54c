"""``async def perform``: jobs that share one event loop of the process, thousands at a time."""

from __future__ import annotations

from .layers import async_layer
from .plugin import AsyncJobs

__all__ = ["AsyncJobs", "async_layer"]
