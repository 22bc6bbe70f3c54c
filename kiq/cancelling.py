"""Cancelling a job, as ``kiq.cancel``: the wing that does it is loaded when it is needed first."""

from __future__ import annotations

import importlib
from typing import Any

#: By name: nothing in the house imports a wing.
_WING = "kiq.plugins.cancelling"


def cancel(jid: str, client: Any = None) -> str:
    """Cancel the job *jid*, wherever it is; return "scheduled", "retry" or "waiting or running".

    "scheduled" and "retry" say that it was there, and is deleted. Otherwise it is dropped when it would
    start, or gets :class:`kiq.Cancelled` raised if it runs; whether there is such a job is not known.
    Walks through both sets: a round trip for 1,000 jobs. *client* as for ``kiq.api.connection``.
    Raises PayloadError for what is no jid, StoreError when Redis refuses.
    """
    place: str = importlib.import_module(_WING).cancel(jid, client)
    return place
