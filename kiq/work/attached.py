"""What features get of a worker process: :class:`kiq.process.WorkerProcess`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ..config import check_queue_name
from ..errors import ConfigError
from ..process import Numbers
from ..verdict import Taken
from .loop import Loop
from .manager import Manager
from .on_duty import OnDuty
from .outage import Outage
from .processor import Processor
from .worker import Worker


class Attached:
    """One worker process, for the services in it. *end* stops it, with an exit code.

    Threads: any.
    """

    def __init__(
        self, worker: Worker, managers: Sequence[Manager], end: Callable[[int], None]
    ) -> None:
        self.identity = worker.identity
        self.config = worker.config
        self.registry = worker.registry
        self.connector = worker.connector
        self.state = worker.state
        self.report = worker.report
        self.end = end
        self._worker = worker
        self._managers = managers

    def outage(self, part: str) -> Outage:
        """Return what tells the log of outages as *part* meets them."""
        return Outage(part, trouble=self._worker.trouble)

    def loop(self, name: str, tick: Callable[[], float], **more: Any) -> Loop:
        """Return a loop; the arguments are those of :class:`Loop`."""
        return Loop(self._worker, name, tick, **more)

    def duty(self, name: str, tick: Callable[[], float], **more: Any) -> Loop:
        """Return the loop of a duty; the arguments are those of :class:`OnDuty`."""
        return OnDuty(self._worker, name, tick, **more).loop

    def taken(self) -> dict[str, int]:
        """Return how many jobs of each queue were taken here until now."""
        taken: Counter[str] = Counter()
        for manager in self._managers:
            taken.update(manager.courier.taken)
        return taken

    def take_from(self, queues: Sequence[str], capsule: str = "default") -> None:
        """Take from *queues* instead, in that order; see :class:`kiq.process.WorkerProcess`."""
        found = {one.courier.capsule.name: one.courier for one in self._managers}
        if capsule not in found or not queues:
            raise ConfigError(
                f"take_from needs queues, and a capsule that is there, not {capsule!r}"
            )
        found[capsule].take_from(tuple(dict.fromkeys(map(check_queue_name, queues))))

    def numbers(self) -> Numbers:
        """Return what this process has in hand."""
        busy = sum(run.current is not None for one in self._managers for run in one.runs())
        loads = [one.courier.load for one in self._managers]
        in_flight, buffered, unsettled = map(sum, zip(*loads, strict=True))
        worker = self._worker
        return Numbers(busy, in_flight, buffered, unsettled, worker.round_trip, worker.reclaimed)

    def threads(self) -> list[Processor]:
        """Return every processor of this process."""
        return [processor for manager in self._managers for processor in manager.processors]

    def replace(self, thread: Any, taken: Taken) -> bool:
        """Let a new thread do the work of *thread*, which is stuck in *taken*; False if it is not."""
        owner = next((one for one in self._managers if thread in one.processors), None)
        return owner is not None and owner.replace(thread, taken)
