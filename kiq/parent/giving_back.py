"""What dead children held goes back to its queues, at once: their parent has seen them end.

A process of its own does it, forked for that: the parent never waits for Redis.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..config import Config
from ..errors import StoreError
from ..plugin import Host
from ..riders import Riders
from ..store import owners, processes
from ..store.connection import Connector, Link
from ..store.joined import Rides

logger = logging.getLogger("kiq.parent")

_FIRST, _LONGEST = 0.1, 5.0  # seconds until Redis is asked again


@dataclass(frozen=True, slots=True)
class Dead:
    """A child that has ended, by the *token* in the records of its owners.

    *crashed* makes the jobs suspects that it ran: nobody had told it to end.
    """

    pid: int
    token: str
    crashed: bool


def give_back(
    config: Config, host: Host, dead: Sequence[Dead], count: Callable[[int], object]
) -> int:
    """Give back what *dead* held; try until it is done, and return 0. Or end with the parent.

    *count* gets the number of jobs that went back, each time some did.

    Round trips: two, one for each of their owners, and what :func:`kiq.store.owners.reclaim` takes.
    """
    parent, pause = os.getppid(), _FIRST
    link = Connector(config.redis).open()
    rides = Riders(host, host.report).giving_back()
    told = False
    while os.getppid() == parent:
        try:
            left = [one for one in dead if not _return_of(link, config, one, rides, count)]
            if not left:
                return 0
        except StoreError as error:
            link.close()
            if not told:
                logger.warning("what dead children held can't go back yet: %s", error)
            told = True
        threading.Event().wait(pause)
        pause = min(2 * pause, _LONGEST)
    return 0


def _return_of(
    link: Link, config: Config, dead: Dead, rides: Rides | None, count: Callable[[int], object]
) -> bool:
    """Give back what one child held; return whether nothing of it is left."""
    complete = True
    for owner in owners.all_owners(link):
        if f":{dead.pid}:" not in owner:
            continue
        if owners.facts(link, owner).get("child") != dead.token:
            continue  # of another host, or of an earlier process with that number
        given = owners.reclaim(link, owner, proven=True, crashed=dead.crashed, rides=rides)
        if given is None:
            continue
        count(given.moved)
        if given.moved:
            logger.warning(
                "process %s was declared dead; its %d unfinished jobs will run again",
                given.process,
                given.moved,
            )
        for problem in given.problems:
            logger.error("of dead process %s: %s; tried again", given.process, problem)
        complete = complete and given.complete
        if given.complete:
            processes.hide(link, given.process, config.sidekiq)
    return complete
