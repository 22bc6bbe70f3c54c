"""``get_task_logger``, as of ``celery.utils.log``."""

from __future__ import annotations

import logging


def get_task_logger(name: str) -> logging.Logger:
    """Return the logger *name*; the lines of a job carry its jid in any logger."""
    return logging.getLogger(name)
