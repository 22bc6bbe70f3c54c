"""The private server for development, tests and demonstrations: nothing to install or to start."""

from __future__ import annotations

from .locate import is_embedded
from .server import EmbeddedServer, ensure

__all__ = ["EmbeddedServer", "ensure", "is_embedded"]
