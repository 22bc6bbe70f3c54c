"""A plugin for a worker under test: notes in the journal each round that a processor began."""

from __future__ import annotations

import os
import threading

import kiq
from kiq.work.exchange import Exchange
from tests.chaos.arena import Arena
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

WITNESS = "[tests.chaos.witness:Witness]"


class Witness:
    """Writes "D", the thread's name and the process for each round that the courier did not begin."""

    name = "witness"

    def install(self, host: kiq.Host) -> None:
        """Look on whenever a round begins."""
        journal = os.open(
            os.environ["CHAOS_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
        )
        begin = Exchange.begin

        def noted(exchange: Exchange) -> None:
            thread = threading.current_thread().name
            if not thread.startswith("kiq-courier"):
                os.write(journal, f"D {thread} {os.getpid()}\n".encode())
            begin(exchange)

        Exchange.begin = noted  # type: ignore[method-assign, assignment]


def driven(arena: Arena, worker: WorkerProcess) -> int:
    """Return how many rounds processors of *worker* have begun so far."""
    pid = str(worker.pid)
    return sum(1 for word, _, where in arena.journal.lines() if (word, where) == ("D", pid))


def get_driving(
    arena: Arena, worker: WorkerProcess, rounds: int = 5, queue: str = "default"
) -> None:
    """Push short jobs until processors of *worker* have begun so many rounds more, and leave it some."""
    aim = driven(arena, worker) + rounds

    def drives() -> bool:
        if arena.store.llen(f"queue:{queue}") < 2_000:  # type: ignore[operator]
            arena.push_many(1_000, "Blinks", queue=queue)
        return driven(arena, worker) >= aim

    try:
        eventually(drives, 20, message="it drives")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{arena.account()}\n{arena.report()}") from None
