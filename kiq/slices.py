"""A bulk push, a slice at a time: what goes into each, what was pushed, what is raised when it breaks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

from .errors import BulkPushError, StoreError, StoreUnavailable
from .guarding import Declined
from .jid import Jid
from .payload import Payload, normalized
from .sender import Load, Outcome, Refusal

#: Says what the caller gets in place of the jid of a job that a guard declined.
Answer = Callable[[Declined], str | None]


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


def in_steps(
    loads: Iterable[Load], answer: Answer = Declined.answer
) -> Generator[Load, Outcome | None, list[str | None]]:
    """Yield each load, to be sent what became of it; return all jids.

    *answer* is asked for what is returned in place of jids of declined jobs. Raises the StoreError of the
    first load that did not get through, what *answer* raises, or BulkPushError when something was pushed
    before.
    """
    jids: list[str | None] = []
    pushed: list[str | None] = []  # the same, but for what stands in the place of declined ones
    uncertain: list[str] = []
    try:
        for load in loads:
            outcome = yield load
            error = outcome and outcome.error(load)
            if error:
                at_stake = [jid for jid in load.jids if jid is not None]
                uncertain = at_stake if error.maybe_done else []
                if pushed or (uncertain and not isinstance(error, StoreUnavailable)):
                    raise error
                raise error.of_push(at_stake) from error.__cause__
            if outcome is None:
                jids += load.jids
                pushed += load.jids
                continue
            through = [None if jid in outcome.refused else jid for jid in load.jids]
            if len(load.jids) > 1:
                uncertain = [jid for jid, why in outcome.refused.items() if _is_there(why)]
            if pushed or any(through):
                pushed += through  # whatever is raised of the others
                jids += _answers(load, outcome, answer)
            else:
                jids += _answers(load, outcome, answer)
                pushed += through
    except Exception as error:
        if not pushed and (not uncertain or isinstance(error, StoreUnavailable)):
            raise
        count = len(pushed) - pushed.count(None)
        raise BulkPushError(
            f"the bulk push broke after {count} jobs: {type(error).__name__}: {error} "
            "(.jids lists what was pushed, .uncertain what may have been)",
            pushed,
            uncertain,
        ) from error
    return jids


def _answers(load: Load, outcome: Outcome, answer: Answer) -> list[str | None]:
    """Return what the caller gets for each job of *load*; raise the first error when all were asked."""
    answers: list[str | None] = []
    first: Exception | None = None
    for jid in load.jids:
        why = None if jid is None else outcome.refused.get(jid)
        if jid is None or why is None:
            answers.append(jid)
            continue
        try:
            if isinstance(why, StoreError):
                raise why.of_push([jid]) from why.__cause__
            other = answer(why)
            answers.append(None if other is None else Jid(other))
        except Exception as error:  # noqa: BLE001 (raised below, when the others were asked)
            first = first or error
            answers.append(None)
    if first is not None:
        raise first
    return answers


def _is_there(why: Refusal) -> bool:
    return isinstance(why, StoreError) and why.maybe_done
