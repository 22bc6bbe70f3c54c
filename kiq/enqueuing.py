"""From a call to payloads: the ``perform_*`` methods, for a job class with its options."""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, repeat
from typing import Any, Generic, ParamSpec, Unpack

from .awaiting import AioEnqueuer
from .client import Client, Sorted, codec_in_use, default_client
from .clock import milliseconds, wall
from .codec import Stencil, made_at
from .errors import ConfigError, PayloadError
from .inline import run_inline
from .jid import Jid, new_jid
from .options import SetOptions, checked
from .payload import EPOCH_FROM, Payload, build, due_at, due_in
from .payload import Args as Args
from .registry import JobSpec, check_importable

P = ParamSpec("P")
_SET_OPTIONS = frozenset(SetOptions.__annotations__)
_NONE: Mapping[str, Any] = {}
_SHORTEST_SPREAD = 5.0  # seconds, as in Sidekiq


class _Aio:
    """``welcome.aio``. No property: so that tests may put something else in its place."""

    def __get__(self, enqueuer: Enqueuer[P], owner: type) -> AioEnqueuer[P]:
        if enqueuer._aio is None:
            # By name: the house imports no wing, and who is not asyncio code does without.
            pushes = importlib.import_module("kiq.aio").Pushes(enqueuer._client)
            inner: Enqueuer[P] = Enqueuer(enqueuer._spec, enqueuer._options, pushes)
            enqueuer._aio = AioEnqueuer(inner, pushes)
        return enqueuer._aio


class Enqueuer(Generic[P]):
    """A job class with the options of a push; may be kept and used any number of times.

    Threads: any.
    """

    __slots__ = ("_aio", "_client", "_options", "_spec", "_stencil_made")

    def __init__(
        self,
        spec: JobSpec,
        overrides: Mapping[str, Any] | None = None,
        client: Any = None,  # a Client; or a kiq.aio.Pushes: then each push returns a coroutine
    ) -> None:
        self._spec = spec
        self._options = {**spec.options, **overrides} if overrides else spec.options
        self._client = client
        self._aio: AioEnqueuer[P] | None = None
        self._stencil_made: Stencil | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Enqueuer, (self._spec, self._options, self._client)

    #: The same methods for asyncio code: ``await HardWorker.aio.perform_async("Bob", 5)``.
    aio = _Aio()

    def set(self, **options: Unpack[SetOptions]) -> Enqueuer[P]:
        """Return another one with *options* on top. Raises ConfigError for an unknown option."""
        new = checked(self._spec.name, options, known=_SET_OPTIONS)
        return Enqueuer(self._spec, {**self._options, **new}, self._client)

    def via(self, client: Client) -> Enqueuer[P]:
        """Return another one that pushes by *client*; see :meth:`kiq.Job.via`."""
        if not isinstance(client, Client):
            raise ConfigError(
                f"via takes a kiq.Client, not {type(client).__name__}: kiq.Client(it)"
            )
        return self.pushing_by(client)

    def pushing_by(self, client: Any) -> Enqueuer[P]:
        """Return another one that pushes by *client*; by that of the process where it is None."""
        return Enqueuer(self._spec, self._options, client)

    def perform_async(self, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job now; see :meth:`kiq.Job.perform_async`."""
        return self._push(args, kwargs, None)

    def perform_in(
        self, delay: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due in *delay*; see :meth:`kiq.Job.perform_in`."""
        return self._push(args, kwargs, due_in(self._spec.name, delay))

    def perform_at(
        self, when: float | datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        """Push a job that is due at *when*; see :meth:`kiq.Job.perform_at`."""
        return self._push(args, kwargs, due_at(self._spec.name, when))

    def perform_bulk(
        self,
        jobs: Iterable[Sequence[Any] | Args[P]],
        /,
        *,
        batch_size: int | None = None,
        at: float | datetime | Sequence[float | datetime] | None = None,
        spread_interval: float | timedelta | None = None,
    ) -> list[str | None]:
        """Push many jobs; see :meth:`kiq.Job.perform_bulk`."""
        name = self._spec.name
        if batch_size is not None and batch_size < 1:
            raise PayloadError(f"{name}: batch_size must be 1 or more, not {batch_size!r}")
        times = _times(name, at, spread_interval)
        if isinstance(at, Sequence):
            jobs = _same_size(name, jobs, at)
        jobs = iter(jobs)
        first = list(islice(jobs, 1))
        if not first:
            return []
        check_importable(name)
        client = self._client or default_client()
        jobs = chain(first, jobs)
        if times is None and client.is_plain:
            return client.push_sorted(self._filled(jobs, client, batch_size or 1000))
        payloads = self._payloads(jobs, times)
        return client.push_slices(payloads, self._spec.cls, batch_size)

    def perform_inline(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a job here and now; see :meth:`kiq.Job.perform_inline`."""
        self._spec.arity.check(self._spec.name, args, kwargs)
        payload = build(self._spec.name, args, kwargs, self._options)
        return run_inline(
            self._spec, payload, self._client.codec if self._client else codec_in_use()
        )

    def args(self, /, *args: P.args, **kwargs: P.kwargs) -> Args[P]:
        """Return the arguments of one job for :meth:`perform_bulk`, checked."""
        self._spec.arity.check(self._spec.name, args, kwargs)
        return Args(args, kwargs)

    def _push(self, args: Sequence[Any], kwargs: Mapping[str, Any], at: float | None) -> str | None:
        spec = self._spec
        arity, name = spec.arity, spec.name
        if kwargs or not arity.low <= len(args) <= arity.high:
            arity.check(name, args, kwargs)
        check_importable(name)
        client = self._client or default_client()
        if at is None and not kwargs and client.is_plain:
            stencil, jid = self._stencil(), new_jid()
            raw = stencil.filled(args, jid.encode(), made_at(milliseconds()))
            if raw is not None and len(raw) <= client.max_payload:
                return client.push_encoded(stencil.queue, raw, jid)
        payload = build(name, args, kwargs, self._options)
        if at is not None:
            payload["at"] = at
        return client.push(payload, spec.cls)

    def _stencil(self) -> Stencil:
        if self._stencil_made is None:
            self._stencil_made = Stencil(self._spec.name, self._options)
        return self._stencil_made

    def _filled(
        self, jobs: Iterator[Sequence[Any] | Args[P]], client: Client, size: int
    ) -> Iterator[Sorted]:
        """Return the slices of a bulk that is due now, of so many jobs each."""
        stencil, arity, index = self._stencil(), self._spec.arity, 0
        while slice_ := list(islice(jobs, size)):
            drawn, now = os.urandom(12 * len(slice_)).hex(), milliseconds()
            jids = [Jid(drawn[at : at + 24]) for at in range(0, len(drawn), 24)]
            end, raws = made_at(now), list[bytes]()
            for job, jid in zip(slice_, jids, strict=True):
                raw = None
                if (type(job) is tuple or type(job) is list) and arity.low <= len(
                    job
                ) <= arity.high:
                    raw = stencil.filled(job, jid.encode(), end)
                if raw is None or len(raw) > client.max_payload:
                    payload = self._payload(index + len(raws), job, str(jid))
                    raw = client.encoded({**payload, "enqueued_at": now})
                raws.append(raw)
            index += len(raws)
            yield {stencil.queue: raws}, (), jids

    def _payloads(
        self, jobs: Iterator[Sequence[Any] | Args[P]], times: Iterator[float] | None
    ) -> Iterator[Payload]:
        for index, job in enumerate(jobs):
            payload = self._payload(index, job)
            if times is not None:
                payload["at"] = next(times)
            yield payload

    def _payload(self, index: int, job: Sequence[Any] | Args[P], jid: str | None = None) -> Payload:
        """Return the payload of the job at *index* of a bulk, its arguments checked."""
        spec, kwargs = self._spec, _NONE
        if isinstance(job, Args):
            args, kwargs = job.args, job.kwargs
        elif type(job) is tuple or type(job) is list:
            args = job
        else:
            raise PayloadError(
                f"{spec.name}: job {index} of the bulk is {job!r}: give each job's arguments as "
                f"a list or tuple, as in perform_bulk([(1,), (2,)]), or as {spec.name}.args(...)"
            )
        spec.arity.check(spec.name, args, kwargs)
        return build(spec.name, args, kwargs, self._options, jid)


def _times(
    name: str,
    at: float | datetime | Sequence[float | datetime] | None,
    spread: float | timedelta | None,
) -> Iterator[float] | None:
    """Return the due time of each job of a bulk in turn, or None when they are due now."""
    if spread is not None:
        if at is not None:
            raise PayloadError(f"{name}: give perform_bulk either at or spread_interval, not both")
        seconds = spread.total_seconds() if isinstance(spread, timedelta) else spread
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not 0 < seconds < EPOCH_FROM:
            raise PayloadError(
                f"{name}: spread_interval must be a positive number of seconds, not {spread!r}"
            )
        longest = max(float(seconds), _SHORTEST_SPREAD)
        return (wall() + random.uniform(0, longest) for _ in repeat(None))
    if at is None:
        return None
    if isinstance(at, Sequence):
        if not at or isinstance(at, str):
            raise PayloadError(f"{name}: at must be a time, or a list with one for each job")
        return iter([due_at(f"{name}: at[{index}]", when) for index, when in enumerate(at)])
    return repeat(due_at(name, at))


def _same_size(name: str, jobs: Iterable[Any], at: Sequence[float | datetime]) -> Sequence[Any]:
    sized = jobs if isinstance(jobs, Sequence) else list(jobs)
    if len(sized) != len(at):
        raise PayloadError(
            f"{name}: {len(sized)} jobs but {len(at)} times in at: give one for each"
        )
    return sized
