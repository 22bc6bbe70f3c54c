"""``kiq.IterableJob``: a long job in small steps, which goes on where it was interrupted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, ParamSpec, Protocol, Unpack, overload

from ...enqueuing import Args, Enqueuer
from ...errors import ConfigError
from ...job_class import Job
from ...undone import refuse_method
from .run import Abort, Run
from .shape import is_whole, performing
from .state import IterationState, cancel_iteration

if TYPE_CHECKING:
    from ..declared import Options, SetOptions

P = ParamSpec("P")
_HOOKS = ("on_start", "on_resume", "on_stop", "on_cancel", "on_complete", "around_iteration")


class Iterates(Protocol[P]):
    """A class whose ``each`` takes an item and the parameters P: how iterable jobs are typed."""

    def each(self, item: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Do one item."""


class _CancelByJid(Protocol):
    def __call__(self, jid: str, client: Any = None) -> float: ...


class _Cancel:
    """``Import.cancel(jid)`` for any job, ``self.cancel()`` inside one."""

    @overload
    def __get__(self, instance: None, owner: type) -> _CancelByJid: ...

    @overload
    def __get__(self, instance: IterableJob, owner: type) -> Callable[[], float]: ...

    def __get__(self, instance: IterableJob | None, owner: type) -> Any:
        return cancel_iteration if instance is None else instance._cancel_itself


class IterableJob(Job):
    """The base of jobs that go through many items, and may be interrupted between two of them.

    Define ``build(self, ..., *, cursor)``, which returns pairs (item, cursor), from the item that
    *cursor* names (None: the first); and ``each(self, item, ...)``, which does one item. Both get the
    arguments of the job. Don't define ``perform``. *max_iteration_runtime* (seconds or timedelta), a
    class keyword, is after how long a run gives way to other jobs. See docs/iteration.md.
    """

    #: It looks by itself, before each item: nothing is raised in it at once.
    heeds_cancelling: ClassVar[bool] = True
    max_iteration_runtime: ClassVar[float | None] = None
    _kiq_around: ClassVar[bool] = False
    _kiq_run: Run | None = None

    #: ``Import.cancel(jid)``: cancel a job that waits or runs; returns since when (epoch seconds).
    #: ``self.cancel()``: cancel the job itself. One round trip; raises StoreError.
    cancel = _Cancel()

    def __init_subclass__(
        cls,
        *,
        max_iteration_runtime: float | timedelta | None = None,
        **options: Unpack[Options],
    ) -> None:
        if max_iteration_runtime is not None:
            cls.max_iteration_runtime = _seconds(cls.__qualname__, max_iteration_runtime)
        if "perform" in vars(cls) and "_kiq_spec" not in vars(cls):
            raise ConfigError(
                f"{cls.__qualname__}: an iterable job has no perform of its own; write "
                "`def build(self, ..., *, cursor)` and `def each(self, item, ...)`"
            )
        for hook in _HOOKS:
            refuse_method(cls, hook)
        if is_whole(cls):
            cls._kiq_around = cls.around_iteration is not IterableJob.around_iteration
            cls.perform = performing(cls, _run)  # type: ignore[attr-defined]
        super().__init_subclass__(**options)

    def __getstate__(self) -> Any:
        """Without the run: it holds a connection of this process."""
        return {name: value for name, value in vars(self).items() if name != "_kiq_run"}

    if TYPE_CHECKING:
        # At run time these are Job's own. Here they take what ``each`` takes after its item.

        @classmethod
        def perform_async(
            cls: type[Iterates[P]], /, *args: P.args, **kwargs: P.kwargs
        ) -> str | None: ...

        @classmethod
        def perform_in(
            cls: type[Iterates[P]], delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
        ) -> str | None: ...

        @classmethod
        def perform_at(
            cls: type[Iterates[P]], when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
        ) -> str | None: ...

        @classmethod
        def perform_bulk(
            cls: type[Iterates[P]],
            jobs: Iterable[Sequence[Any] | Args[P]],
            /,
            *,
            batch_size: int | None = None,
            at: float | datetime | Sequence[float | datetime] | None = None,
            spread_interval: float | timedelta | None = None,
        ) -> list[str | None]: ...

        @classmethod
        def perform_inline(
            cls: type[Iterates[P]], /, *args: P.args, **kwargs: P.kwargs
        ) -> None: ...

        @classmethod
        def set(cls: type[Iterates[P]], **options: Unpack[SetOptions]) -> Enqueuer[P]: ...

        @classmethod
        def args(cls: type[Iterates[P]], /, *args: P.args, **kwargs: P.kwargs) -> Args[P]: ...

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The positional arguments of the job; () outside a run."""
        return self._kiq_run.args if self._kiq_run else ()

    @property
    def current_item(self) -> Any:
        """The item that is done at present; None before the first."""
        return self._kiq_run.item if self._kiq_run else None

    @property
    def cursor(self) -> Any:
        """The cursor of that item; before the first one, where this run goes on."""
        return self._kiq_run.state.cursor if self._kiq_run else None

    @property
    def cancelled(self) -> bool:
        """Whether the job is known to be cancelled (asked of Redis every five seconds)."""
        return self._kiq_run is not None and self._kiq_run.state.cancelled

    @property
    def state(self) -> IterationState:
        """How far this job has come: items, percentage, rate. Raises RuntimeError outside a run."""
        run = _running(self)
        run.update()
        return run.state

    def progress(
        self,
        done: float | None = None,
        total: float | None = None,
        note: str | None = None,
        *,
        position: float | None = None,
    ) -> None:
        """Say how much there is to do, and, unless each item counts 1, how much of it is *done*.

        In any unit; *position* is another name of *done*. It is saved with the state: see
        :class:`kiq.api.IterationState`; where the job has a ``result_ttl`` it is its progress, too, which
        each item tells. Raises TypeError or ValueError for what is no finite number.
        """
        run, position = _running(self), done if position is None else position
        if total is not None:
            run.state.total = _finite(total)
        if position is not None:
            run.counts_itself, run.state.position = True, _finite(position)
        run.tell(note)

    def abort(self) -> NoReturn:
        """End the job here, for good: it is done, ``on_complete`` is called, nothing is retried."""
        _running(self)
        raise Abort

    def on_start(self) -> None:
        """Called before the first item of the first run."""

    def on_resume(self) -> None:
        """Called before the first item of every later run."""

    def on_stop(self) -> None:
        """Called when a run ends, also by interruption; not when ``each`` raises."""

    def on_cancel(self) -> None:
        """Called when the job ends because it was cancelled, before ``on_stop``."""

    def on_complete(self) -> None:
        """Called when the job has ended: all items done, cancelled, or aborted. May be repeated."""

    def around_iteration(self) -> AbstractContextManager[Any]:
        """Return what each item is done in, such as a transaction: ``@contextmanager`` and one yield."""
        return _nothing()

    def _cancel_itself(self) -> float:
        run = _running(self)
        run.state.cancelled_at = run.keeper.cancel()
        return run.state.cancelled_at


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _run(job: IterableJob, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    job._kiq_run = run = Run(job, args, kwargs)
    try:
        run()
    finally:
        job._kiq_run = None  # it refers to the job: both would wait for the garbage collector


def _running(job: IterableJob) -> Run:
    if job._kiq_run is None:
        raise RuntimeError(f"{type(job).__qualname__} does not run: this is for its own methods")
    return job._kiq_run


def _finite(number: float) -> float:
    if math.isfinite(number):
        return float(number)
    raise ValueError(f"progress takes numbers that are finite, not {number}")


def _seconds(owner: str, value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        raise ConfigError(
            f"{owner}: max_iteration_runtime must be seconds (more than 0) or a timedelta, not {value!r}"
        )
    return float(seconds)
