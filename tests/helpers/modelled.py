"""State machines of hypothesis against a real server."""

from __future__ import annotations

import os

from hypothesis import Phase

#: Without the search for the smallest example, which takes minutes with a server: CHAOS_LONG=1 has it.
PHASES = (
    tuple(Phase)
    if os.environ.get("CHAOS_LONG")
    else tuple(Phase)[: list(Phase).index(Phase.shrink)]
)
