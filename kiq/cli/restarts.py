"""Processes of this machine that ended because it was started anew: no job of theirs is to blame."""

from __future__ import annotations

import logging

from ..clock import steady
from ..errors import StoreError
from ..machine import boot_id
from ..store import owners
from ..store.connection import Link
from ..work.worker import Worker

logger = logging.getLogger("kiq")


def excuse(worker: Worker) -> None:
    """Note in the records of owners of this machine that it was started anew since they lived last.

    By name: a machine or container that has the name now, and has been up since before they lived
    last, is another. Round trips: two, and two for each owner of that name.
    """
    link = worker.connector.open()
    try:
        _excuse(link, worker.identity.rsplit(":", 2)[0], boot_id())
    except StoreError as error:
        logger.debug("could not look for what the restart of this machine ended: %s", error)
    finally:
        link.close()


def _excuse(link: Link, host: str, boot: str) -> None:
    names = [name for name in owners.all_owners(link) if name.startswith(f"{host}:")]
    if not boot or not names:
        return
    uptime, now = steady(), float(link.call(("TIME",))[0])
    for name in names:
        record = owners.facts(link, name)
        lived = owners.leased(record.get("beat", ""), str(uptime), now)
        if (record.get("boot_id") or boot) != boot and not lived:
            owners.leaving(link, name)
