"""From a call to what is pushed: bytes where nobody but the codec looks at them, or payloads."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

from .client import codec_in_use, default_client
from .clock import milliseconds, wall
from .codec import STENCILS, Codec, Stencil
from .errors import ConfigError, PayloadError
from .inline import run_inline
from .jid import Jid, new_jid
from .options import CLASS_ONLY, checked
from .payload import EPOCH_FROM, Args, Payload, build, due_at
from .pusher import Pusher, Route
from .registry import JobSpec, check_importable
from .sender import Load

Times = float | datetime | Sequence[float | datetime] | None
Job = Sequence[Any] | Args[...]
#: Queue, bytes and jid of a job that is due now.
Encoded = tuple[str, bytes, str]

_NONE: Mapping[str, Any] = {}
_SHORTEST_SPREAD = 5.0  # seconds, as in Sidekiq


class Bulk(NamedTuple):
    """The jobs of a bulk, and when each is due: now, where *times* is None."""

    jobs: Iterator[Job]
    times: Iterator[float] | None
    batch_size: int | None


class Calls:
    """The calls that push jobs of one class with its options.

    Threads: any.
    """

    __slots__ = ("_stencil_made", "options", "route", "spec")

    def __init__(
        self, spec: JobSpec, options: Mapping[str, Any] | None = None, route: Route | None = None
    ) -> None:
        """*options* are those of the class by default; *route* that of the process, at each push."""
        self.spec = spec
        self.options = spec.options if options is None else options
        self.route = route
        self._stencil_made: Stencil | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Calls, (self.spec, self.options, self.route)

    def having(self, options: Mapping[str, Any]) -> Calls:
        """Return others with *options* on top. Raises ConfigError for an unknown option."""
        new = checked(self.spec.name, options, but=CLASS_ONLY)
        return Calls(self.spec, {**self.options, **new}, self.route)

    def via(self, route: Route) -> Calls:
        """Return others that go by *route*."""
        if not isinstance(route, Route):
            raise ConfigError(f"via takes a kiq.Client, not {type(route).__name__}: kiq.Client(it)")
        return Calls(self.spec, self.options, route)

    def run_inline(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a job here and now; see :meth:`kiq.Job.perform_inline`."""
        spec, route = self.spec, self.route
        spec.arity.check(spec.name, args, kwargs)
        payload = build(spec.name, args, kwargs, self.options)
        return run_inline(spec, payload, route.codec if route else codec_in_use())

    def push(self, args: Sequence[Any], kwargs: Mapping[str, Any], at: float | None) -> str | None:
        """Push one job, due *at*, or now."""
        pusher = (self.route or default_client()).here()
        job = self.one(pusher, args, kwargs, at)
        if isinstance(job, tuple):
            return pusher.push_encoded(*job)
        return pusher.push(job, self.spec.cls)

    def push_many(self, bulk: Bulk) -> list[str | None]:
        """Push the jobs of *bulk*."""
        pusher = (self.route or default_client()).here(bulk=True)
        return pusher.push_loads(self.many(pusher, bulk))

    def one(
        self, pusher: Pusher, args: Sequence[Any], kwargs: Mapping[str, Any], at: float | None
    ) -> Encoded | Payload:
        """Return what *pusher* is to push for one call."""
        spec = self.spec
        arity, name = spec.arity, spec.name
        if kwargs or not arity.low <= len(args) <= arity.high:
            arity.check(name, args, kwargs)
        check_importable(name)
        if at is None and not kwargs and pusher.is_plain_for(spec.cls or name, self.options):
            stencil, jid = self._stencil_made, new_jid()
            if stencil is None or stencil.codec != pusher.codec:
                stencil = self._stencil(pusher.codec)
            raw = stencil.filled(args, jid.encode(), stencil.made_at(milliseconds()))
            if raw is not None and len(raw) <= pusher.max_payload:
                return stencil.queue, raw, jid
        payload = build(name, args, kwargs, self.options)
        if at is not None:
            payload["at"] = at
        return payload

    def bulk(
        self,
        jobs: Iterable[Job],
        batch_size: int | None,
        at: Times,
        spread: float | timedelta | None,
    ) -> Bulk | None:
        """Return what a bulk is to push, None for nothing. Raises PayloadError."""
        name = self.spec.name
        if batch_size is not None and batch_size < 1:
            raise PayloadError(f"{name}: batch_size must be 1 or more, not {batch_size!r}")
        times = _times(name, at, spread)
        given = iter(_same_size(name, jobs, at) if isinstance(at, Sequence) else jobs)
        for first in given:
            return Bulk(chain((first,), given), times, batch_size)
        return None

    def many(self, pusher: Pusher, bulk: Bulk) -> Iterator[Load]:
        """Return the loads that *pusher* is to push for *bulk*."""
        spec = self.spec
        check_importable(spec.name)
        if bulk.times is None and pusher.is_plain_for(spec.cls or spec.name, self.options):
            return self._filled(pusher, bulk)
        return pusher.loads(self._payloads(bulk), spec.cls, bulk.batch_size)

    def _stencil(self, codec: Codec) -> Stencil:
        made = self._stencil_made = STENCILS[codec](self.spec.name, self.options)
        return made

    def _filled(self, pusher: Pusher, bulk: Bulk) -> Iterator[Load]:
        stencil, arity, index = self._stencil(pusher.codec), self.spec.arity, 0
        size = pusher.slice_size(bulk.batch_size) or 1000
        while slice_ := list(islice(bulk.jobs, size)):
            drawn, now = os.urandom(12 * len(slice_)).hex(), milliseconds()
            jids = [Jid(drawn[at : at + 24]) for at in range(0, len(drawn), 24)]
            end, raws = stencil.made_at(now), list[bytes]()
            for job, jid in zip(slice_, jids, strict=True):
                raw = None
                if (type(job) is tuple or type(job) is list) and arity.low <= len(
                    job
                ) <= arity.high:
                    raw = stencil.filled(job, jid.encode(), end)
                if raw is None or len(raw) > pusher.max_payload:
                    payload = self._payload(index + len(raws), job, str(jid))
                    raw = pusher.encoded({**payload, "enqueued_at": now})
                raws.append(raw)
            index += len(raws)
            yield Load({stencil.queue: raws}, (), jids, bulk.batch_size)

    def _payloads(self, bulk: Bulk) -> Iterator[Payload]:
        for index, job in enumerate(bulk.jobs):
            payload = self._payload(index, job)
            if bulk.times is not None:
                payload["at"] = next(bulk.times)
            yield payload

    def _payload(self, index: int, job: Job, jid: str | None = None) -> Payload:
        """Return the payload of the job at *index* of a bulk, its arguments checked."""
        spec, kwargs = self.spec, _NONE
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
        return build(spec.name, args, kwargs, self.options, jid)


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
