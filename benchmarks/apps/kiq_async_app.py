"""The coroutine of kiq; run as a program, it pushes so many."""

from __future__ import annotations

import asyncio
import os
import sys

import kiq

#: What a job waits before it returns: nothing, unless asyncio is what is measured.
_SECONDS = float(os.environ.get("BENCH_SECONDS", "0"))


class Noop(kiq.Job, name="Noop"):
    """Does nothing, or waits."""

    async def perform(self, number: int) -> None:  # noqa: ARG002
        """Return at once, or after BENCH_SECONDS."""
        if _SECONDS:
            await asyncio.sleep(_SECONDS)


if __name__ == "__main__":
    Noop.perform_bulk((number,) for number in range(int(sys.argv[1])))
