"""A bulk push, a slice at a time: what goes into each, what was pushed, what is raised when it breaks."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from .errors import BulkPushError, StoreUnavailable
from .payload import Payload, normalized
from .sender import Load, Outcome


def completed(payload: Payload) -> Payload:
    """Fill in a bare dict; what kiq itself builds passes without a second look."""
    if "jid" in payload and "queue" in payload and "created_at" in payload:
        return payload
    return normalized(payload)


def in_slices(payloads: Iterable[Payload], size: int | None) -> Iterator[list[Payload]]:
    """Yield *payloads*, completed, so many at a time: by default 1,000, or 100 that are scheduled."""
    slice_: list[Payload] = []
    for payload in payloads:
        slice_.append(completed(payload))
        if len(slice_) >= (size or (100 if "at" in payload else 1000)):
            yield slice_
            slice_ = []
    if slice_:
        yield slice_


def in_steps(loads: Iterable[Load]) -> Generator[Load, Outcome | None, list[str | None]]:
    """Yield each load, to be sent what became of it; return all jids.

    Raises the StoreError of the first that did not get through, or BulkPushError when something was
    pushed before.
    """
    jids: list[str | None] = []
    uncertain: list[str] = []
    try:
        for load in loads:
            outcome = yield load
            error = outcome and outcome.error(load)
            if error:
                at_stake = [jid for jid in load.jids if jid is not None]
                uncertain = at_stake if error.maybe_done else []
                if jids or (uncertain and not isinstance(error, StoreUnavailable)):
                    raise error
                raise error.of_push(at_stake) from error.__cause__
            jids += load.jids
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
