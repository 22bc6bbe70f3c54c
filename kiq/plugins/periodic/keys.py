"""The keys of periodic jobs."""

from __future__ import annotations

ENTRIES = "kiq:periodic:entries"  # hash: name -> definition (JSON)
DUE = (
    "kiq:periodic:due"  # sorted set: name, score = the next tick that is not decided, epoch seconds
)
PAUSED = "kiq:periodic:paused"  # hash: name -> "when who"
LATEST = "kiq:periodic:latest"  # hash: name -> "jid when queue" of the last run that is not over
WAITING = "kiq:periodic:waiting"  # hash: name -> the tick that waits until the last run is over
SETS = "kiq:periodic:sets"  # hash: app -> "digest when older..." of the entries in force
BELL = "periodic"  # at kiq:bell: tells who ticks of changes

KEPT = 100  # ticks in the history of an entry


def history(name: str) -> str:
    """Return the list of what became of the last ticks of *name*: "tick when what jid"."""
    return f"kiq:periodic:history:{name}"


def outcomes(name: str) -> str:
    """Return the hash of how the jobs in the history of *name* ended: jid -> "outcome when"."""
    return f"kiq:periodic:outcomes:{name}"
