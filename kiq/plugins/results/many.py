"""``kiq.results(jids)``: what many jobs come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from ...aio import in_thread
from ...errors import PayloadError, ResultError
from . import aio
from .one import check_jid
from .patience import PATIENCE, checked
from .progress import Progress
from .record import Outcome
from .sources import Source, source_of
from .waiting import ends, refuse_in_a_job


class Results:
    """What many jobs come to. Making one asks nobody. Threads: any."""

    def __init__(self, jids: Sequence[str], source: Source) -> None:
        self.jids = tuple(jids)
        self._source = source

    def __repr__(self) -> str:
        return f"<Results of {len(self.jids)} jobs>"

    def __len__(self) -> int:
        return len(self.jids)

    def get(
        self,
        timeout: float | None = PATIENCE,
        *,
        return_exceptions: bool = False,
        inside_job: bool = False,
    ) -> list[Any]:
        """Return what each returned, in the order of the jids; *timeout* (seconds) is for all together.

        Raises the first error that comes, as :meth:`kiq.Result.get` does; with *return_exceptions* errors
        of jobs stand in the list instead, and ResultTimeout where one has not ended.
        """
        found: dict[str, Any] = {}
        try:
            for outcome in self.as_completed(timeout, inside_job=inside_job):
                found[outcome.jid] = value_or_error(outcome, return_exceptions)
        except ResultError as error:
            return filled(self.jids, found, error, return_exceptions)
        return [found[jid] for jid in self.jids]

    def as_completed(
        self, timeout: float | None = PATIENCE, *, inside_job: bool = False
    ) -> Iterator[Outcome]:
        """Yield how each job ended, as they end. Raises ResultTimeout, ResultMissing."""
        if self.jids:
            refuse_in_a_job(self.jids[0], inside_job)
        return ends(self._source, self.jids, checked(timeout))

    @property
    def progress(self) -> list[Progress | None]:
        """How far each has come, or had when it ended, in the order of the jids. One round trip for 500."""
        return _progress(self._source, self.jids)

    @property
    def aio(self) -> AioResults:
        """The same for asyncio code."""
        return AioResults(self.jids, self._source)


class AioResults:
    """What ``kiq.results(jids)`` does, to be awaited."""

    def __init__(self, jids: Sequence[str], source: Source) -> None:
        self.jids = tuple(jids)
        self._source = source

    async def get(
        self,
        timeout: float | None = PATIENCE,
        *,
        return_exceptions: bool = False,
        inside_job: bool = False,
    ) -> list[Any]:
        """Return what each returned; see :meth:`Results.get`."""
        found: dict[str, Any] = {}
        try:
            async for outcome in self.as_completed(timeout, inside_job=inside_job):
                found[outcome.jid] = value_or_error(outcome, return_exceptions)
        except ResultError as error:
            return filled(self.jids, found, error, return_exceptions)
        return [found[jid] for jid in self.jids]

    def as_completed(
        self, timeout: float | None = PATIENCE, *, inside_job: bool = False
    ) -> AsyncIterator[Outcome]:
        """Yield how each job ended, as they end: ``async for``."""
        if self.jids:
            refuse_in_a_job(self.jids[0], inside_job)
        return aio.ends(self._source, self.jids, checked(timeout))

    async def progress(self) -> list[Progress | None]:
        """Return how far each has come; see :attr:`Results.progress`."""
        far: list[Progress | None] = await in_thread(_progress, self._source, self.jids)
        return far


def _progress(source: Source, jids: Sequence[str]) -> list[Progress | None]:
    told = [what.underway or what.outcome for what in source.seen(jids)]
    return [each.progress if each is not None else None for each in told]


def results(jids: Iterable[str | None], client: Any = None) -> Results:
    """Return a handle to what many jobs come to; asks nobody. See :func:`kiq.result`."""
    if isinstance(jids, str):
        raise PayloadError("results takes many jids; for one there is kiq.result(jid)")
    return Results([check_jid(jid) for jid in jids], source_of(client))


def value_or_error(outcome: Outcome, instead: bool) -> Any:
    """Return the value of *outcome*, or its error *instead* of raising it."""
    try:
        return outcome.value
    except ResultError as error:
        if not instead:
            raise
        return error


def filled(
    jids: Sequence[str], found: dict[str, Any], error: ResultError, instead: bool
) -> list[Any]:
    """Return what was *found*, with *error* where there is nothing *instead* of raising it."""
    if not instead:
        raise error
    return [found.get(jid, error) for jid in jids]
