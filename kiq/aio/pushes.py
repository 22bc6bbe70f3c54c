"""A client whose pushes are awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from .. import interruption
from ..client import Client, Sorted, default_client
from ..codec import Codec
from ..errors import StoreError
from ..jid import Jid
from ..payload import Payload
from ..slices import in_steps
from .gathering import gathering_of
from .threads import in_thread


class Pushes:
    """A client whose pushes are awaited; *client*, or the one of the process at each push.

    Middleware and codec run in the task that pushes; only what goes to Redis does so elsewhere.
    """

    def __init__(self, client: Client | None = None) -> None:
        self.given = client

    @property
    def _client(self) -> Client:
        return self.given or default_client()

    @property
    def is_plain(self) -> bool:
        """See :attr:`kiq.Client.is_plain`."""
        return self._client.is_plain

    @property
    def max_payload(self) -> int:
        """See :class:`kiq.Client`."""
        return self._client.max_payload

    @property
    def codec(self) -> Codec:
        """See :class:`kiq.Client`."""
        return self._client.codec

    def encoded(self, payload: Payload) -> bytes:
        """See :meth:`kiq.Client.encoded`."""
        return self._client.encoded(payload)

    async def push(self, payload: Payload, job_class: Any = None) -> str | None:
        """See :meth:`kiq.Client.push`."""
        client = self._client
        awaited = getattr(type(client), "push_awaited", None)
        if awaited is not None:  # one that waits for a commit
            return cast(str | None, await awaited(client, payload, job_class))
        return (await self.push_slices((payload,), job_class))[0]

    async def push_encoded(self, queue: str, raw: bytes, jid: str) -> str:
        """See :meth:`kiq.Client.push_encoded`."""
        if interruption.due:
            interruption.arrive()
        client = self._client
        gathering = gathering_of(client)
        if gathering is None:
            return str(await self.in_thread(client.push_encoded, queue, raw, jid))
        try:
            await gathering.push({queue: [raw]}, ())
        except StoreError as error:
            raise error.of_push([jid]) from error.__cause__
        return Jid(jid)

    async def push_slices(
        self, payloads: Iterable[Payload], job_class: Any = None, batch_size: int | None = None
    ) -> list[str | None]:
        """See :meth:`kiq.Client.push_slices`."""
        client = self._client
        awaited = getattr(type(client), "push_slices_awaited", None)
        if awaited is not None:
            return cast(list[str | None], await awaited(client, payloads, job_class, batch_size))
        return await self.push_sorted(client.slices(payloads, job_class, batch_size))

    async def push_sorted(self, slices: Iterable[Sorted]) -> list[str | None]:
        """See :meth:`kiq.Client.push_sorted`."""
        client = self._client
        gathering = gathering_of(client)
        if gathering is None:
            return list(await self.in_thread(client.push_sorted, slices))
        steps = in_steps(slices)
        try:
            while True:
                queues, scheduled, _ = next(steps)
                if interruption.due:
                    interruption.arrive()
                try:
                    await gathering.push(queues, scheduled)
                except StoreError as error:
                    steps.throw(error)
        except StopIteration as done:
            return list(done.value)

    async def in_thread(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function* without blocking the loop, see :func:`kiq.aio.threads.in_thread`."""
        return await in_thread(function, *args, **kwargs)
