"""Clocks of a test: a server's, which is set while it runs, and a worker's that is wrong from the start.

A server gets its clock by libfaketime, which a Python can't live with: either ``time.sleep`` fails, or
timed waits never end. A worker's is moved inside its Python (``tests/chaos/wrong_clock.py``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

_PLACES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
_NAME = "libfaketime.so.1"


def _library() -> Path | None:
    found = (file for place in _PLACES for file in sorted(Path(place).glob(f"*/{_NAME}")))
    beneath = (file for place in _PLACES for file in sorted(Path(place).glob(f"*/*/{_NAME}")))
    return next(iter((*found, *beneath)), None)


_LIBRARY = _library()
NEEDS_SETTABLE_CLOCK = pytest.mark.skipif(
    _LIBRARY is None, reason="libfaketime (Debian's package of that name) is not installed"
)


class SettableClock:
    """The wall clock of one program, which can be set while the program runs."""

    def __init__(self, folder: Path) -> None:
        _tidy()
        self.ahead = 0.0  # seconds before real time
        self._file = folder / "clock"
        self.step(0)

    def step(self, seconds: float) -> None:
        """Set it forward by *seconds*, or back where they are negative."""
        self.ahead += seconds
        new = self._file.with_suffix(".new")
        new.write_text(f"{self.ahead:+f}\n")
        os.replace(new, self._file)  # it is read at each look at the clock: never half written

    @property
    def command(self) -> Sequence[str]:
        """What goes before the command that runs the program."""
        # Behind it the C library's malloc, before an allocator that asks for the time while it starts
        # (jemalloc, which Debian's Redis has) and so would call itself for ever.
        return (
            "/usr/bin/env",
            f"LD_PRELOAD={_LIBRARY}:libc.so.6",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )


def _tidy() -> None:
    """Remove the shared memory of programs that were killed: libfaketime leaves it behind."""
    for shared in Path("/dev/shm").glob("faketime_shm_*"):
        pid = shared.name.rpartition("_")[2]
        if not Path(f"/proc/{pid}").exists():
            for file in (shared, shared.with_name(f"sem.faketime_sem_{pid}")):
                file.unlink(missing_ok=True)


def settable_clock(folder: Path) -> SettableClock | None:
    """Return a clock whose file is in *folder*; None where there is no libfaketime."""
    return None if _LIBRARY is None else SettableClock(folder)


def kiq_ahead_by(seconds: float) -> Sequence[str]:
    """Return the command that runs kiq where the wall clock is so far ahead (behind, if negative)."""
    return (sys.executable, "-m", "tests.chaos.wrong_clock", f"{seconds:g}")
