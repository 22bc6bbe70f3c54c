"""What the logs of workers say, for a person after a failure, and for a test."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from tests.helpers.worker_process import WorkerProcess

_END = 20_000  # characters
#: What a worker says of another, by its process id.
_DECLARED_DEAD = re.compile(r"process \S+?:(\d+):\w+ was declared dead")


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


def declared_dead(workers: Sequence[WorkerProcess]) -> list[WorkerProcess]:
    """Return those of *workers* that run, and of which another has said that it is dead."""
    pids = {pid for worker in workers for pid in _DECLARED_DEAD.findall(worker.log)}
    return [worker for worker in workers if worker.running and str(worker.pid) in pids]


def knows_of_its_death(worker: WorkerProcess) -> bool:
    """Return whether *worker* has said that it was declared dead, and so lost what it had in hand."""
    return "this process was declared dead (" in worker.log


def gave_up(worker: WorkerProcess) -> bool:
    """Return whether *worker* has stopped in order as it could start no thread."""
    return not worker.running and worker.wait() == 70 and "can't start new thread" in worker.log


def ended_badly(workers: Sequence[WorkerProcess]) -> list[str]:
    """Return the exit codes of those that ended, and not by a signal, in order, or for want of threads."""
    return [
        f"process {each.pid} ended with {each.wait()}"
        for each in workers
        if not each.running and each.wait() > 0 and not gave_up(each)
    ]
