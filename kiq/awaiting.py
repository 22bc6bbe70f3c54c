"""The ``perform_*`` methods for asyncio code: they push without blocking the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, Unpack

from .options import SetOptions
from .payload import Args

P = ParamSpec("P")


class AioEnqueuer(Generic[P]):
    """The same methods as on the job class, to be awaited; a call that is not awaited pushes nothing.

    Pushes that wait at the same time share a round trip. Threads: any with an event loop.
    """

    def __init__(self, enqueuer: Any, pushes: Any) -> None:
        """*enqueuer* has *pushes*, a :class:`kiq.aio.Pushes`, for its client: it returns coroutines."""
        self._enqueuer = enqueuer
        self._pushes = pushes

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._enqueuer.pushing_by(self._pushes.given), "aio")

    def set(self, **options: Unpack[SetOptions]) -> AioEnqueuer[P]:
        """Return another one with *options* on top; see :meth:`kiq.Job.set`."""
        return AioEnqueuer(self._enqueuer.set(**options), self._pushes)

    async def perform_async(self, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job now; see :meth:`kiq.Job.perform_async`.

        A task that is cancelled while it waits may have pushed the job, or not.
        """
        jid: str | None = await self._enqueuer.perform_async(*args, **kwargs)
        return jid

    async def perform_in(
        self, delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due in *delay*; see :meth:`kiq.Job.perform_in`."""
        jid: str | None = await self._enqueuer.perform_in(delay, *args, **kwargs)
        return jid

    async def perform_at(
        self, when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due at *when*; see :meth:`kiq.Job.perform_at`."""
        jid: str | None = await self._enqueuer.perform_at(when, *args, **kwargs)
        return jid

    async def perform_bulk(
        self,
        jobs: Iterable[Sequence[Any] | Args[P]],
        /,
        *,
        batch_size: int | None = None,
        at: float | datetime | Sequence[float | datetime] | None = None,
        spread_interval: float | timedelta | None = None,
    ) -> list[str | None]:
        """Push many jobs; see :meth:`kiq.Job.perform_bulk`. Other tasks go on between two slices."""
        pushed = self._enqueuer.perform_bulk(
            jobs, batch_size=batch_size, at=at, spread_interval=spread_interval
        )
        jids: list[str | None] = pushed if isinstance(pushed, list) else await pushed
        return jids

    async def perform_inline(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a job now; see :meth:`kiq.Job.perform_inline`.

        An ``async def perform`` runs on this event loop; middleware, and any other ``perform``, on a
        thread, in a copy of this context.
        """
        return await self._pushes.in_thread(self._enqueuer.perform_inline, *args, **kwargs)
