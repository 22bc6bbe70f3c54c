"""The private server for development, tests and demonstrations: nothing to install or to start."""

from __future__ import annotations

from kiq.embedded.locate import is_embedded
from kiq.embedded.server import EmbeddedServer, ensure

__all__ = ["EmbeddedServer", "ensure", "is_embedded"]
