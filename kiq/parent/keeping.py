"""The leases of a child that can't renew them itself: a job holds its interpreter.

A process of its own does it, forked for that, as long as the parent says that the child lives.
"""

from __future__ import annotations

import logging
import os
import threading

from ..clock import steady
from ..config import Config
from ..errors import StoreError
from ..store import owners
from ..store.connection import Connector, Link
from .page import Page

logger = logging.getLogger("kiq.parent")

_MOST = 5.0  # seconds between two beats, at most


def keep(config: Config, pid: int, token: str, page: Page) -> int:
    """Renew the leases of the child *pid* until its permit has run out, or the parent is gone; return 0.

    Round trips: two, and one for each of its owners at first; then one each sixth of the lease.
    """
    parent, pause = os.getppid(), min(_MOST, config.lease / 6)
    link = Connector(config.redis).open()
    mine: list[str] = []
    while os.getppid() == parent and steady() < page.permit:
        try:
            mine = mine or _owners_of(link, pid, token)
            if mine:
                owners.beat(link, mine)
        except StoreError as error:
            link.close()
            logger.warning("the lease of child %d can't be renewed: %s", pid, error)
        threading.Event().wait(pause)
    return 0


def _owners_of(link: Link, pid: int, token: str) -> list[str]:
    named = [name for name in owners.all_owners(link) if f":{pid}:" in name]
    return [name for name in named if owners.facts(link, name).get("child") == token]
