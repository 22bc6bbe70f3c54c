"""What is wrong with a Redis and its workers: facts are gathered once, then judged without any I/O.

``kiq doctor`` and whatever else shows it stand on :func:`examine`.
"""

from __future__ import annotations

from .examining import examine
from .finding import CHECKS, LEVELS, Finding, Level

__all__ = ["CHECKS", "LEVELS", "Finding", "Level", "examine"]
