"""``python -m tests.chaos.wrong_clock SECONDS run ...``: kiq where the wall clock is so far ahead.

What Python tells of the time of day is moved before kiq is imported; steady clocks go as they go.
"""

from __future__ import annotations

import runpy
import sys
import time


def move(seconds: float) -> None:
    """Move the wall clock of this process by *seconds*."""
    told, told_ns = time.time, time.time_ns
    time.time = lambda: told() + seconds
    time.time_ns = lambda: told_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    move(float(sys.argv.pop(1)))
    runpy.run_module("kiq", run_name="__main__", alter_sys=True)
