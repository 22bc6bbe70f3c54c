"""Named moments at which tests make a worker process die; free of charge when none is armed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

_hits: Counter[str] = Counter()


def _armed(name: str) -> None:
    """Die by SIGKILL at the n-th passing of the point that ``KIQ_CRASH_POINT=name:n`` names."""
    _hits[name] += 1
    if _hits[name] >= _count and name == _name:
        os.kill(os.getpid(), signal.SIGKILL)


def _unarmed(_name: str) -> None:
    return None


_name, _, _times = os.environ.get("KIQ_CRASH_POINT", "").partition(":")
_count = int(_times or 1)

#: Call it at a moment that has a name. Never on the path of a single job while unarmed.
crash_point: Callable[[str], None] = _armed if _name else _unarmed
