"""What visitors without the permission to see secrets get instead of them."""

from __future__ import annotations

from ..wording import HIDDEN, is_secret, masked

__all__ = ["HIDDEN", "is_secret", "masked"]
