"""What jobs and pushers note: a line each, in one file that outlives them all.

A line has what happened, when (epoch seconds), in which program (BENCH_PROGRAM: who is killed is
known by it), and more words. It needs nothing but the standard library.
"""

from __future__ import annotations

import os
import time

_PROGRAM = os.environ.get("BENCH_PROGRAM", "-")
_file = os.open(os.environ["BENCH_JOURNAL"], os.O_WRONLY | os.O_APPEND)

#: How long a job of the tests takes, in seconds.
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.25"))


def note(what: str, *words: object) -> None:
    """Write a line. One write of a short line is not torn by other programs."""
    said = " ".join(map(str, words))
    os.write(_file, f"{what} {time.time()!r} {_PROGRAM} {said}\n".encode())


def work(key: str, ident: str) -> None:
    """Be the job *ident* of *key*: note the start, take so long, note the end."""
    note("start", key, ident)
    time.sleep(SECONDS)
    note("end", key, ident)
