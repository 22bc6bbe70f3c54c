"""Pushes that are awaited.

Middleware and codec run in the task that pushes; only the hand-over happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import interruption
from ..client import default_client
from ..jid import Jid
from ..payload import Payload
from ..pusher import Pusher
from ..sender import Load, Outcome
from ..slices import in_steps
from .gathering import gathering_of
from .threads import in_thread


async def push(payload: Payload, job_class: Any) -> str | None:
    """Push one payload by the client of the process; see :meth:`kiq.Client.push`."""
    route = default_client()
    if carry := route.carrier():
        pushed: str | None = await carry(lambda: route.here().push(payload, job_class))()
        return pushed
    pusher = route.here()
    return (await push_loads(pusher, pusher.loads((payload,), job_class, None)))[0]


async def push_slices(
    payloads: Iterable[Payload], job_class: Any, batch_size: int | None
) -> list[str | None]:
    """Push many payloads by the client of the process; see :meth:`kiq.Client.push_slices`."""
    route = default_client()
    if carry := route.carrier(bulk=True):

        def push_there() -> list[str | None]:
            return route.here(bulk=True).push_slices(payloads, job_class, batch_size)

        pushed: list[str | None] = await carry(push_there)()
        return pushed
    pusher = route.here(bulk=True)
    return await push_loads(pusher, pusher.loads(payloads, job_class, batch_size))


async def push_encoded(pusher: Pusher, queue: str, raw: bytes, jid: str) -> str:
    """See :meth:`kiq.pusher.Pusher.push_encoded`."""
    if interruption.due:
        interruption.arrive()
    load = Load({queue: [raw]}, (), (jid,))
    outcome = await _handed_over(pusher, load)
    error = outcome and outcome.error(load)
    if error:
        raise error.of_push([jid]) from error.__cause__
    return Jid(jid)


async def push_loads(pusher: Pusher, loads: Iterable[Load]) -> list[str | None]:
    """See :meth:`kiq.pusher.Pusher.push_loads`."""
    steps, outcome = in_steps(loads), None
    while True:
        try:
            load = steps.send(outcome)
        except StopIteration as done:
            return list(done.value)
        if interruption.due:
            interruption.arrive()
        outcome = await _handed_over(pusher, load)


async def _handed_over(pusher: Pusher, load: Load) -> Outcome | None:
    sender = pusher.sender
    if sender.in_asyncio == "gathered":
        return await gathering_of(pusher).push(load)
    if sender.in_asyncio == "at once":
        return sender.push(load)
    outcome: Outcome | None = await in_thread(sender.push, load)
    return outcome
