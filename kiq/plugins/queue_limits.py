"""So many jobs of a queue at a time in the whole fleet: the setting ``queue_limits`` (docs/limits.md)."""

from __future__ import annotations

from collections.abc import Mapping

from ..plugin import FleetCap, Host, Ride, Service, in_flight
from ..process import WorkerProcess
from ..store.connection import Link
from .declared import QueueLimitSettings

_REST = 15.0  # seconds between two looks for slots of nobody
#: Set for each queue: the deliveries that are in flight.
_SLOTS = "kiq:queue-limit:"


class QueueLimits:
    """The plugin: installed where the settings have such limits. Decided in the script that fetches."""

    name = "queue_limits"

    def __init__(self) -> None:
        self._limits: Mapping[str, int] = {}

    def install(self, host: Host) -> None:
        """Attach the cap, and what looks for slots that nobody has."""
        host.cap_fleet(
            FleetCap(
                "queue_limits",
                asked=self._asked,
                room="return ARGV[1] - redis.call('SCARD', KEYS[1])",
                took="redis.call('SADD', KEYS[1], unpack(TOKENS))",
                freed="redis.call('SREM', KEYS[1], TOKEN)",
            )
        )
        host.services.append(self._begin)

    def _asked(self, queue: str) -> Ride | None:
        most = self._limits.get(queue)
        return None if most is None else Ride([_SLOTS + queue], [most])

    def _begin(self, process: WorkerProcess) -> Service:
        self._limits = limits = process.config.of(QueueLimitSettings).by_queue()
        link = process.connector.open()

        def sweep() -> float:
            for queue in limits:
                free_what_is_over(link, queue)
            return _REST

        return process.duty("queue-limits", sweep, lost=link.close, leave=link.close)


def free_what_is_over(link: Link, queue: str) -> int:
    """Free slots of *queue* whose delivery is over: it was settled by a process that had no such limit."""
    tokens = [token.decode() for token in link.call(("SMEMBERS", _SLOTS + queue))]
    flying = link.exchange([in_flight(queue, token) for token in tokens]) if tokens else []
    over = [token for token, flies in zip(tokens, flying, strict=True) if flies == 0]
    return int(link.call(("SREM", _SLOTS + queue, *over))) if over else 0
