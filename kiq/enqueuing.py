"""The ``perform_*`` methods of a job class with its options."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Unpack

from .calls import Calls, Times
from .elsewhere import Refusing
from .payload import Args as Args
from .payload import due_at, due_in
from .pusher import Route

if TYPE_CHECKING:
    from .aio import AioEnqueuer
    from .plugins.declared import SetOptions

P = ParamSpec("P")


class _Aio:
    """``welcome.aio``. No property: so that tests may put something else in its place."""

    def __get__(self, enqueuer: Enqueuer[P], owner: type) -> AioEnqueuer[P]:
        if enqueuer._aio is None:
            # By name: the house imports no wing, and who is not asyncio code does without.
            enqueuer._aio = importlib.import_module("kiq.aio").AioEnqueuer(enqueuer._calls)
        return enqueuer._aio


class Enqueuer(Refusing, Generic[P]):
    """A job class with the options of a push; may be kept and used any number of times.

    Threads: any.
    """

    __slots__ = ("_aio", "_calls")

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._aio: AioEnqueuer[P] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Enqueuer, (self._calls,)

    #: The same methods for asyncio code: ``await HardWorker.aio.perform_async("Bob", 5)``.
    aio = _Aio()

    def set(self, **options: Unpack[SetOptions]) -> Enqueuer[P]:
        """Return another one with *options* on top. Raises ConfigError for an unknown option."""
        return Enqueuer(self._calls.having(options))

    def via(self, client: Route) -> Enqueuer[P]:
        """Return another one that pushes by *client*; see :meth:`kiq.Job.via`."""
        return Enqueuer(self._calls.via(client))

    def perform_async(self, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job now; see :meth:`kiq.Job.perform_async`."""
        return self._calls.push(args, kwargs, None)

    def perform_in(
        self, delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due in *delay*; see :meth:`kiq.Job.perform_in`."""
        return self._calls.push(args, kwargs, due_in(self._calls.spec.name, delay))

    def perform_at(
        self, when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due at *when*; see :meth:`kiq.Job.perform_at`."""
        return self._calls.push(args, kwargs, due_at(self._calls.spec.name, when))

    def perform_bulk(
        self,
        jobs: Iterable[Sequence[Any] | Args[P]],
        /,
        *,
        batch_size: int | None = None,
        at: Times = None,
        spread_interval: float | timedelta | None = None,
    ) -> list[str | None]:
        """Push many jobs; see :meth:`kiq.Job.perform_bulk`."""
        bulk = self._calls.bulk(jobs, batch_size, at, spread_interval)
        return self._calls.push_many(bulk) if bulk else []

    def perform_inline(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a job here and now; see :meth:`kiq.Job.perform_inline`."""
        return self._calls.run_inline(args, kwargs)

    def args(self, /, *args: P.args, **kwargs: P.kwargs) -> Args[P]:
        """Return the arguments of one job for :meth:`perform_bulk`, or for a callback, checked."""
        self._calls.spec.arity.check(self._calls.spec.name, args, kwargs)
        return Args(args, kwargs, self._calls)
