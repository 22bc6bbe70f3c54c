"""Working off: a worker that ends when nothing is left for it to do. ``kiq run --drain``."""

from __future__ import annotations

from .plugin import Drain

__all__ = ["Drain"]
