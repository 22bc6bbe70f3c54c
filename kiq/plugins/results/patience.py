"""For how long one waits."""

from __future__ import annotations

from ...errors import PayloadError
from ...options import seconds

#: Seconds, when nothing is said.
PATIENCE = 60.0


def checked(timeout: float | None) -> float | None:
    """Return *timeout*; raises PayloadError for what is no number of seconds."""
    if timeout is None:
        return None
    try:
        return 0.0 if timeout == 0 else seconds(timeout)
    except ValueError as error:
        raise PayloadError(f"timeout {error}") from None
