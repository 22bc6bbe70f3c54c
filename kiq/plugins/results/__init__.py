"""Results of jobs, and how far they have come: kept where a class or a push has ``result_ttl``.

See docs/results.md.
"""

from __future__ import annotations

from .many import Results, results
from .memory import Memory
from .one import Result, result
from .places import Whereabouts
from .plugin import ResultsPlugin, attach
from .progress import Progress
from .record import Outcome
from .sources import Source, stand_ins
from .status import Status

__all__ = [
    "Memory",
    "Outcome",
    "Progress",
    "Result",
    "Results",
    "ResultsPlugin",
    "Source",
    "Status",
    "Whereabouts",
    "attach",
    "result",
    "results",
    "stand_ins",
]
