"""Jobs as rows of a list: each is made apart, so that a broken one hides no other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..api import JobRecord
from ..wording import arguments, visible
from .masking import masked
from .visitors import Visitor

_ARGUMENTS = 300  # characters of a row


@dataclass(frozen=True, slots=True)
class Row:
    """*key* names the job by its very bytes: it is the id of the row, and what a selection remembers."""

    key: str
    job: JobRecord
    title: str
    arguments: str
    problem: str
    size: int


def rows_of(jobs: Iterable[JobRecord], visitor: Visitor) -> Sequence[Row]:
    """Return the rows of *jobs*; what can't be shown is said in its row."""
    shows_all = visitor.may("unmask")
    return [_row(job, shows_all) for job in jobs]


def _row(job: JobRecord, shows_all: bool) -> Row:
    key = hashlib.sha256(job.raw).hexdigest()[:16]
    problem = visible(job.problem or "")
    try:
        title = visible(job.display_class)[:200]
        args, kwargs = job.args, job.kwargs
        if not shows_all:
            args, kwargs = masked(args), masked(kwargs)
        called = arguments(args, kwargs, _ARGUMENTS)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        title, called, problem = "?", "", problem or f"can't be shown: {type(error).__name__}"
    return Row(key, job, title, called, problem, len(job.raw))
