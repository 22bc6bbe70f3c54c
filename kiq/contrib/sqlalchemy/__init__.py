"""SQLAlchemy: sessions end with the job. For pushing after a commit see ``kiq.after_commit``."""

from __future__ import annotations

from .sessions import Sessions

__all__ = ["Sessions"]
