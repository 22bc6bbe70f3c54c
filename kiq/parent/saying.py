"""Lines of the parent's log: left out where its reader has stopped, for whom the parent must not wait."""

from __future__ import annotations

import logging
import select

logger = logging.getLogger("kiq.parent")


def say(level: int, text: str, *arguments: object) -> None:
    """Write a line to the log, unless nobody takes it. Threads: the parent's one."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, select.POLLOUT)
    if len(poll.poll(0)) == 2:
        logger.log(level, text, *arguments)
