"""What the logs of workers say, for a person after a failure, and for a test."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from tests.helpers.worker_process import WorkerProcess

_END = 20_000  # characters


def report(workers: Sequence[WorkerProcess]) -> str:
    """Return the end of every log, with the stacks of those that run."""
    for each in workers:
        if each.running:
            each.signal(signal.SIGTTIN)
            try:
                each.says("thread kiq-poller", timeout=3)
            except AssertionError:
                continue  # frozen, or held by C code: what it has said so far must do
    return "\n".join(
        f"--- worker {number}, process {each.pid} ({'runs' if each.running else 'ended'})\n"
        f"{each.log[-_END:]}"
        for number, each in enumerate(workers)
    )


def complaints(workers: Sequence[WorkerProcess]) -> list[str]:
    """Return the lines that tell of a fault in kiq itself."""
    words = ("Traceback", "courier of", "[context=processor", "context=heartbeat")
    return [
        line for worker in workers for line in worker.lines if any(word in line for word in words)
    ]
