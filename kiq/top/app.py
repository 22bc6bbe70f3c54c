"""``kiq top`` whole."""

from __future__ import annotations

from .moving import Moving


class Top(Moving):
    """The application."""
