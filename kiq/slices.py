"""A bulk push, a slice at a time: what was pushed, and what is to be raised when it breaks."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeVar

from .errors import BulkPushError, StoreError, StoreUnavailable

S = TypeVar("S", bound=tuple[Any, Any, Sequence[str | None]])


def in_steps(slices: Iterable[S]) -> Generator[S, None, list[str | None]]:
    """Yield each slice (what to push, and the jids last); return all jids.

    Whoever pushes throws in the StoreError that a slice met. Raises that, or BulkPushError when
    something was pushed before.
    """
    jids: list[str | None] = []
    uncertain: list[str] = []
    try:
        for slice_ in slices:
            try:
                yield slice_
            except StoreError as error:
                at_stake = [jid for jid in slice_[2] if jid is not None]
                uncertain = at_stake if error.maybe_done else []
                if jids or (uncertain and not isinstance(error, StoreUnavailable)):
                    raise
                raise error.of_push(at_stake) from error.__cause__
            jids += slice_[2]
    except Exception as error:
        if not jids and (not uncertain or isinstance(error, StoreUnavailable)):
            raise
        raise BulkPushError(
            f"the bulk push broke after {len(jids)} jobs: {type(error).__name__}: {error} "
            "(.jids lists what was pushed, .uncertain what may have been)",
            jids,
            uncertain,
        ) from error
    return jids
