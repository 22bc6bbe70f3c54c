"""The order to run with another number of threads, as it travels to a worker beside the signals."""

from __future__ import annotations

MOST = 1000  # threads of a capsule, as the setting ``concurrency`` has it
_WORD = "SCALE"


def order(threads: int, capsule: str) -> str:
    """Return what is sent to let *capsule* have so many *threads*."""
    return f"{_WORD} {threads} {capsule}"


def read(sent: str) -> tuple[int, str] | None:
    """Return the threads and the capsule that *sent* names; None for what is no such order."""
    word, _, rest = sent.partition(" ")
    number, _, capsule = rest.partition(" ")
    # Digits only, and few: who writes into Redis may write anything.
    if word != _WORD or not (number.isascii() and number.isdecimal() and len(number) <= 4):
        return None
    threads = int(number)
    return (threads, capsule) if 1 <= threads <= MOST and capsule else None
