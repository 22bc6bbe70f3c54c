"""What running jobs are told by their process: that it stops, that they were cancelled."""

from __future__ import annotations

import threading

#: Set when this process takes no more jobs: what runs should come to an end, or to a place to go on.
stopping = threading.Event()

#: The jids that were cancelled. Filled by the plugin that cancels; empty as a rule, so that a look
#: costs next to nothing.
cancelled: set[str] = set()
