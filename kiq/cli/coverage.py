"""Whether each registered job class has a worker that takes its queue."""

from __future__ import annotations

from ..config import Config
from ..registry import Registry
from ..store import processes
from ..store.connection import Link


def untaken_queues(link: Link, config: Config, registry: Registry) -> dict[str, list[str]]:
    """Return the queues of registered classes that no running process takes, with the classes.

    Two round trips.
    """
    taken = {name for capsule in config.capsules for name in capsule.queue_names}
    for info in processes.infos(link).values():
        queues = info.get("queues")
        taken.update(queue for queue in queues or () if isinstance(queue, str))
    untaken: dict[str, list[str]] = {}
    for spec in registry.all():
        queue = spec.options.get("queue", "default")
        if queue not in taken:
            untaken.setdefault(queue, []).append(spec.name)
    return untaken
