"""How many jobs of a queue may be in flight in the whole fleet: the setting ``queue_limits``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...features import Feature, declare


@dataclass(frozen=True, slots=True)
class QueueLimitSettings:
    """*queue_limits* are texts such as "mailers 5": a queue, and how many of its jobs at a time."""

    queue_limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.by_queue()

    def by_queue(self) -> Mapping[str, int]:
        """Return the limit of each queue that has one. Raises ValueError."""
        found: dict[str, int] = {}
        for text in self.queue_limits:
            queue, _, number = text.strip().rpartition(" ")
            if not queue or not number.isdecimal() or int(number) < 1:
                raise ValueError(
                    f"queue_limits: must be a queue and a number, as in 'mailers 5', not {text!r}"
                )
            if queue.strip() in found:
                raise ValueError(f"queue_limits: {queue.strip()!r} has two limits")
            found[queue.strip()] = int(number)
        return found


def _wanted(settings: Any) -> bool:
    return bool(settings.queue_limits)


declare(
    Feature(
        "queue_limits",
        settings=QueueLimitSettings,
        section="",
        plugin="kiq.plugins.queue_limits:QueueLimits",
        wanted=_wanted,
    )
)
