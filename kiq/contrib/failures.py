"""Which errors of a run are failures of the job, in the words of other systems."""

from __future__ import annotations

from ..errors import Cancelled
from ..raised import came_from_shutdown, is_a, signal_in


def is_failure(error: BaseException) -> bool:
    """Tell whether the job failed: it asked for nothing, and nobody ended it."""
    ended = is_a(error, Cancelled) or came_from_shutdown(error)
    return not ended and signal_in(error) is None
