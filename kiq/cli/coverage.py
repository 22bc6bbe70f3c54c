"""Whether each registered job class has a worker that takes its queue."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ..errors import StoreError
from ..registry import Registry
from ..store import processes
from ..store.connection import Connector, Link

logger = logging.getLogger("kiq")


def untaken_queues(link: Link, own: Iterable[str], registry: Registry) -> dict[str, list[str]]:
    """Return the queues of registered classes that no running process takes, with the classes.

    *own* are those that this process takes. Two round trips.
    """
    taken = set(own)
    for info in processes.infos(link).values():
        queues = info.get("queues")
        taken.update(queue for queue in queues or () if isinstance(queue, str))
    untaken: dict[str, list[str]] = {}
    for spec in registry.all():
        queue = spec.options.get("queue", "default")
        if queue not in taken:
            untaken.setdefault(queue, []).append(spec.name)
    return untaken


def warn(connector: Connector, own: Iterable[str], registry: Registry) -> None:
    """Say so for each queue of registered classes that no process takes. Round trips: a few."""
    link = connector.open()
    try:
        untaken = untaken_queues(link, own, registry)
    except StoreError as error:
        logger.debug("could not look whether all queues are taken: %s", error)
        return
    finally:
        link.close()
    for queue, names in untaken.items():
        logger.warning(
            "no running process takes queue %s, the queue of %s: add it to queues:",
            queue,
            ", ".join(names[:3]) + (" and others" if len(names) > 3 else ""),
        )
