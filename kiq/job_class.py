"""Job classes: ``class HardWorker(kiq.Job, queue="critical")``."""

from __future__ import annotations

import inspect
import logging
from abc import ABCMeta
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Protocol, Unpack

from .belonging import Belonging
from .calls import Calls
from .elsewhere import Refusing
from .enqueuing import Enqueuer
from .errors import ConfigError, Discard, Kill
from .middleware import ServerContext
from .options import CLASS_ONLY, DEFAULTS, checked
from .payload import Args, Payload
from .pusher import Route
from .registry import HOOKS, JobSpec, registry, wire_name
from .reporting import report
from .undone import refuse_method

if TYPE_CHECKING:
    from .aio import AioEnqueuer
    from .plugins.declared import Options, SetOptions

P = ParamSpec("P")
#: What ``retry_in`` may answer: seconds, Kill, Discard, or None for the usual delay.
RetryIn = float | timedelta | Kill | Discard | type[Kill] | type[Discard] | None
_MISTAKEN_ATTRIBUTES = ("queue", "retry", "retry_for", "retry_queue", "backtrace", "dead")


class Performs(Protocol[P]):
    """A class whose ``perform`` takes the parameters P: how job classes are typed."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Do the job."""


class _JobMeta(ABCMeta):
    """Exists for one hint: a mixin that takes no class keywords fails before Job can say why."""

    @classmethod
    def __prepare__(
        metacls, name: str, bases: tuple[type, ...], /, **options: Any
    ) -> MutableMapping[str, object]:
        for base in bases:
            hook = base.__init_subclass__ if isinstance(base, type) else None
            if hook is not None and options and not _takes_keywords(hook):
                raise ConfigError(
                    f"{name}: the __init_subclass__ of {base.__qualname__} takes no keywords, so "
                    f"{', '.join(options)} can't pass it; give it **kwargs and call "
                    "super().__init_subclass__(**kwargs), or name kiq.Job before it"
                )
            if isinstance(base, _JobMeta):
                break  # kiq.Job takes the options, and passes none on
        return super().__prepare__(name, bases)


if TYPE_CHECKING:
    # mypy checks class keywords against __init_subclass__ only where no metaclass is in its way.
    _Meta = ABCMeta
else:
    _Meta = _JobMeta


def _takes_keywords(hook: Any) -> bool:
    try:
        parameters = inspect.signature(hook).parameters.values()
    except ValueError:
        return True  # object's own: reached only when nobody took the options
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


class _Aio:
    """``HardWorker.aio``: the ``perform_*`` methods for asyncio code."""

    def __get__(self, instance: object, owner: type[Performs[P]]) -> AioEnqueuer[P]:
        try:
            return _enqueuer(owner).aio
        except ConfigError as error:
            raise AttributeError(str(error)) from None


class Job(Refusing, metaclass=_Meta):
    """The base of job classes. Define ``perform``; options are class keywords, and inherited.

    A fresh instance runs each job. ``retry_in(self, count, error, payload)`` and
    ``retries_exhausted(self, payload, error)`` are optional methods (see docs/retries.md).
    """

    options: ClassVar[Mapping[str, Any]] = DEFAULTS
    _kiq_spec: ClassVar[JobSpec]
    _kiq_enqueuer: ClassVar[Enqueuer[Any]]
    _kiq_context: ServerContext | None = None
    _kiq_given: ClassVar[Mapping[str, Any]]

    #: The same methods for asyncio code: ``await HardWorker.aio.perform_async("Bob", 5)``.
    aio = _Aio()
    #: In a run: the batch that the job belongs to, or whose callback it is; see docs/batches.md.
    batch = Belonging()

    if TYPE_CHECKING:  # methods that a job may have; so a checker sees one that kiq could not call

        def retry_in(self, count: int, error: BaseException, payload: Payload, /) -> RetryIn: ...

        def retries_exhausted(self, payload: Payload, error: BaseException, /) -> object: ...

    def __init_subclass__(cls, **options: Unpack[Options]) -> None:
        super().__init_subclass__()
        _check_attributes(cls)
        for hook, gets in HOOKS.items():
            refuse_method(cls, hook, gets)
        # A decorator such as attrs.define makes a second class of what the first one was.
        earlier: JobSpec | None = vars(cls).get("_kiq_spec")
        given = {**vars(cls).get("_kiq_given", {}), **checked(cls.__qualname__, options)}
        cls._kiq_given = given
        cls.options = {
            **cls.options,
            **{name: value for name, value in given.items() if name not in CLASS_ONLY},
        }
        perform = getattr(cls, "perform", None)
        if perform is None or getattr(perform, "__isabstractmethod__", False):
            return  # a base that only carries options, or says what its subclasses must have
        _check_perform(cls, perform)
        name = given.get("name") or wire_name(cls.__module__, cls.__qualname__)
        cls._kiq_spec = JobSpec(name, cls.options, given.get("aliases", ()), perform, cls)
        cls._kiq_enqueuer = Enqueuer(Calls(cls._kiq_spec))
        registry.add(cls._kiq_spec, instead_of=earlier)

    @classmethod
    def perform_async(cls: type[Performs[P]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job now; return its jid, or None where client middleware vetoed.

        One round trip. Raises ArgumentError (a TypeError) when the arguments don't fit ``perform``
        or can't travel, StoreError when Redis refuses; after StoreUnavailable it may have been
        pushed.
        """
        return _enqueuer(cls).perform_async(*args, **kwargs)

    @classmethod
    def perform_in(
        cls: type[Performs[P]], delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due in *delay* (seconds or timedelta). One round trip."""
        return _enqueuer(cls).perform_in(delay, *args, **kwargs)

    @classmethod
    def perform_at(
        cls: type[Performs[P]], when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due at *when*: an aware datetime, or epoch seconds. One round trip.

        A moment that is past runs at once.
        """
        return _enqueuer(cls).perform_at(when, *args, **kwargs)

    @classmethod
    def perform_bulk(
        cls: type[Performs[P]],
        jobs: Iterable[Sequence[Any] | Args[P]],
        /,
        *,
        batch_size: int | None = None,
        at: float | datetime | Sequence[float | datetime] | None = None,
        spread_interval: float | timedelta | None = None,
    ) -> list[str | None]:
        """Push many jobs; return a jid (or None, vetoed) for each.

        *jobs* is any iterable, read a slice at a time, of lists or tuples of arguments, or of
        ``HardWorker.args(...)``. *batch_size* jobs (1,000, or 100 when scheduled) are one round
        trip. *at* is one time for all, or a list with one for each; *spread_interval* spreads them
        evenly over so many seconds (5 at least). Raises BulkPushError, which lists the jobs that
        were pushed, when it breaks half-way.
        """
        return _enqueuer(cls).perform_bulk(
            jobs, batch_size=batch_size, at=at, spread_interval=spread_interval
        )

    @classmethod
    def perform_inline(cls: type[Performs[P]], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a job here and now, through all middleware, and return what ``perform`` returns.

        The arguments make the round trip through the codec. No Redis, no retry: errors are raised.
        """
        return _enqueuer(cls).perform_inline(*args, **kwargs)

    @classmethod
    def set(cls: type[Performs[P]], **options: Unpack[SetOptions]) -> Enqueuer[P]:
        """Return something with the same ``perform_*`` methods that pushes with these options."""
        return _enqueuer(cls).set(**options)

    @classmethod
    def via(cls: type[Performs[P]], client: Route) -> Enqueuer[P]:
        """Return something with the same ``perform_*`` methods that pushes by *client*.

        A client of another Redis, or ``kiq.after_commit(session)``.
        """
        return _enqueuer(cls).via(client)

    @classmethod
    def args(cls: type[Performs[P]], /, *args: P.args, **kwargs: P.kwargs) -> Args[P]:
        """Return the arguments of one job for :meth:`perform_bulk`, checked and fully typed."""
        return _enqueuer(cls).args(*args, **kwargs)

    @property
    def jid(self) -> str:
        """The id of the job that runs ("" outside a run)."""
        return self._kiq_context.jid if self._kiq_context else ""

    @property
    def attempt(self) -> int:
        """Which attempt this is: 1 for the first."""
        if self._kiq_context is None:
            return 1
        count = self._kiq_context.payload.get("retry_count")
        return count + 2 if isinstance(count, int) else 1

    @property
    def interrupted(self) -> bool:
        """Whether the job is to end soon: its process stops, or it was cancelled.

        For loops to look at now and then; see also :meth:`kiq.ServerContext.interrupted`.
        """
        return self._kiq_context is not None and self._kiq_context.interrupted

    def progress(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """Say how far the job has come; see :func:`kiq.progress`. Raises RuntimeError outside of a run."""
        if self._kiq_context is None:
            raise RuntimeError(
                f"{type(self).__qualname__} does not run: progress() is for its own code"
            )
        report(self._kiq_context, done, total, note)

    @property
    def logger(self) -> logging.Logger:
        """A logger of this job class; its lines carry the jid."""
        return logging.getLogger(f"kiq.job.{type(self).__qualname__}")


def _enqueuer(cls: Any) -> Enqueuer[Any]:
    enqueuer: Enqueuer[Any] | None = cls.__dict__.get("_kiq_enqueuer")
    if enqueuer is None:
        raise ConfigError(
            f"{cls.__qualname__} has no perform of its own to run: define `def perform(self, ...)` in it"
        )
    return enqueuer


def _check_attributes(cls: type) -> None:
    for name in _MISTAKEN_ATTRIBUTES:
        value = vars(cls).get(name)
        if value is not None and not callable(value) and not hasattr(value, "__get__"):
            raise ConfigError(
                f"{cls.__qualname__}: options are class keywords: write "
                f"`class {cls.__name__}(kiq.Job, {name}={value!r})` instead of `{name} = {value!r}`"
            )


def _check_perform(cls: type, perform: Any) -> None:
    check_plain_function(f"{cls.__qualname__}.perform", perform)
    raw = inspect.getattr_static(cls, "perform")
    if isinstance(raw, classmethod | staticmethod):
        raise ConfigError(
            f"{cls.__qualname__}.perform must be an ordinary method, `def perform(self, ...)`"
        )
    init = cls.__init__  # type: ignore[misc]
    if init is not object.__init__ and any(
        p.default is p.empty
        and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        for p in list(inspect.signature(init).parameters.values())[1:]
    ):
        raise ConfigError(
            f"{cls.__qualname__}.__init__ must take no arguments: kiq makes an instance for each job; "
            "what a job needs are the arguments of perform"
        )


def check_plain_function(name: str, function: Any) -> None:
    """Raise ConfigError for something that can't simply be called, or awaited."""
    if not callable(function):
        raise ConfigError(f"{name} must be a function, not {function!r}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(
            f"{name} is a generator: nobody would run its body; remove the `yield`, or derive from "
            "kiq.IterableJob, whose build may yield the items of a long job (docs/iteration.md)"
        )
