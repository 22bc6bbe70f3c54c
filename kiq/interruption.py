"""What running jobs are told by their process: that it stops, that they were cancelled."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

#: Set when this process takes no more jobs: what runs should come to an end, or to a place to go on.
stopping = threading.Event()

#: The jids that were cancelled. Filled by the plugin that cancels; empty as a rule, so that a look
#: costs next to nothing.
cancelled: set[str] = set()


def was_cancelled(payload: Mapping[str, Any]) -> bool:
    """Tell whether the job of *payload* was cancelled; its jid may be anything that was pushed."""
    return bool(cancelled) and str(payload.get("jid", "")) in cancelled
