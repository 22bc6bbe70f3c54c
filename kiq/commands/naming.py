"""What may have been meant, for commands."""

from __future__ import annotations

from ..wording import did_you_mean

__all__ = ["did_you_mean"]
