"""``log_level`` of a job: what its run logs from that level up is seen, whatever the level of the log.

A logger decides by its own level before there is a line, and that level is one for all threads. So loggers
ask here as well, once the first such job has come to a process (ADR 0031).
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from ..middleware import Next, ServerContext
from ..plugin import Host

_NONE = 1_000_000  # above every level
#: From which level up the job of this context wants to be seen.
_wanted: ContextVar[int] = ContextVar("kiq_log_level", default=_NONE)
_as_it_was = logging.Logger.isEnabledFor


class LogLevels:
    """The plugin, and its layer: it runs for jobs that have a ``log_level``, and costs others nothing."""

    name = "log_levels"
    payload_field = "log_level"

    def install(self, host: Host) -> None:
        """Stand around all other layers: their lines belong to the run."""
        host.server_middleware.prepend(self)

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, heard from its own level up. (What is below is dropped by the log.)"""
        wanted = context.payload.get("log_level")
        if not isinstance(wanted, str):
            return call_next(context)
        logging.Logger.isEnabledFor = _is_enabled  # type: ignore[method-assign, assignment]
        token = _wanted.set(logging.getLevelNamesMapping().get(wanted.upper(), _NONE) or _NONE)
        try:
            return call_next(context)
        finally:
            _wanted.reset(token)


def _is_enabled(logger: logging.Logger, level: int) -> bool:
    """Tell whether *logger* takes lines of *level*: it does, or the job that runs here wants them."""
    if _as_it_was(logger, level):
        return True
    return level >= _wanted.get() and not logger.disabled and logger.manager.disable < level
