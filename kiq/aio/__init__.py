"""Pushing from asyncio code without blocking its event loop: ``await kiq.aio.push({...})``.

What ``HardWorker.aio`` does is here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..client import default_client
from ..pushing import prepared, prepared_bulk, spared
from .enqueuer import AioEnqueuer
from .inline_loop import run_here
from .pushes import push as _push
from .pushes import push_slices
from .threads import in_thread

__all__ = ["AioEnqueuer", "in_thread", "push", "push_bulk", "run_here"]


async def push(item: Mapping[str, Any]) -> str | None:
    """Push a job given as a dict without blocking the event loop; see :func:`kiq.push`."""
    payload, spec = prepared(item)
    if "jid" in item:
        payload = await in_thread(spared, default_client(), payload, item)
    return await _push(payload, spec.cls if spec else None)


async def push_bulk(
    item: Mapping[str, Any], args: Iterable[Sequence[Any]], *, batch_size: int | None = None
) -> list[str | None]:
    """Push one job for each of *args* without blocking the event loop; see :func:`kiq.push_bulk`."""
    payloads, spec = prepared_bulk(item, args, batch_size)
    return await push_slices(payloads, spec.cls if spec else None, batch_size)
