"""The ``perform_*`` methods for asyncio code: they push without blocking the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Unpack

from ..calls import Calls, Times
from ..client import default_client
from ..payload import Args, due_at, due_in
from .pushes import push_encoded, push_loads
from .threads import in_thread

if TYPE_CHECKING:
    from ..plugins.declared import SetOptions

P = ParamSpec("P")


class AioEnqueuer(Generic[P]):
    """The same methods as on the job class, to be awaited; a call that is not awaited pushes nothing.

    Pushes that wait at the same time share a round trip. Threads: any with an event loop.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def set(self, **options: Unpack[SetOptions]) -> AioEnqueuer[P]:
        """Return another one with *options* on top; see :meth:`kiq.Job.set`."""
        return AioEnqueuer(self._calls.having(options))

    async def perform_async(self, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job now; see :meth:`kiq.Job.perform_async`.

        A task that is cancelled while it waits may have pushed the job, or not.
        """
        return await self._push(args, kwargs, None)

    async def perform_in(
        self, delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due in *delay*; see :meth:`kiq.Job.perform_in`."""
        return await self._push(args, kwargs, due_in(self._calls.spec.name, delay))

    async def perform_at(
        self, when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due at *when*; see :meth:`kiq.Job.perform_at`."""
        return await self._push(args, kwargs, due_at(self._calls.spec.name, when))

    async def perform_bulk(
        self,
        jobs: Iterable[Sequence[Any] | Args[P]],
        /,
        *,
        batch_size: int | None = None,
        at: Times = None,
        spread_interval: float | timedelta | None = None,
    ) -> list[str | None]:
        """Push many jobs; see :meth:`kiq.Job.perform_bulk`. Other tasks go on between two slices."""
        calls = self._calls
        bulk = calls.bulk(jobs, batch_size, at, spread_interval)
        if bulk is None:
            return []
        route = calls.route or default_client()
        if carry := route.carrier(bulk=True):
            pushed: list[str | None] = await carry(calls.push_many)(bulk)
            return pushed
        pusher = route.here(bulk=True)
        return await push_loads(pusher, calls.many(pusher, bulk))

    async def perform_inline(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a job now; see :meth:`kiq.Job.perform_inline`.

        An ``async def perform`` runs on this event loop; middleware, and any other ``perform``, on a
        thread, in a copy of this context.
        """
        return await in_thread(self._calls.run_inline, args, kwargs)

    async def _push(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], at: float | None
    ) -> str | None:
        calls = self._calls
        route = calls.route or default_client()
        if carry := route.carrier():
            pushed: str | None = await carry(calls.push)(args, kwargs, at)
            return pushed
        pusher = route.here()
        job = calls.one(pusher, args, kwargs, at)
        if isinstance(job, tuple):
            return await push_encoded(pusher, *job)
        return (await push_loads(pusher, pusher.loads((job,), calls.spec.cls, None)))[0]
