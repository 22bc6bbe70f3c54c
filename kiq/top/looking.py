"""What a view reads by: the fleet, the moment, what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..api import Filter, JobRecord, parse_filter
from ..wording import arguments, masked
from .fleets import Fleet
from .moments import Moment
from .picture import Ask, Page

_ARGUMENTS = 300  # characters of a row


@dataclass(frozen=True, slots=True)
class Look:
    """One look of a view. Threads: the one that reads."""

    fleet: Fleet
    moment: Moment
    ask: Ask

    @property
    def subject(self) -> str:
        """What the view is of: a queue, a job."""
        return self.ask.place.subject

    def wanted(self) -> Filter:
        """Return the filter. Raises ConfigError for what can't be meant."""
        return parse_filter(self.ask.place.wanted)

    def names(self, key: str) -> Callable[[str], bool]:
        """Return what tells whether a thing that is no job is meant, by its name.

        Words are parts of the name, and so is what stands behind *key* (``queue:mail``).
        """
        terms = [term for term in self.wanted().terms if term.key in ("text", key)]

        def fits(name: str) -> bool:
            return all((term.wanted.lower() in name.lower()) != term.negated for term in terms)

        return fits

    def call_text(self, job: JobRecord, longest: int = _ARGUMENTS) -> str:
        """Return the arguments of *job*, secrets hidden unless they are to be seen."""
        args, kwargs = job.args, job.kwargs
        if not self.ask.unmasked:
            args, kwargs = masked(args), masked(kwargs)
        try:
            return arguments(args, kwargs, longest)
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            return f"(can't be shown: {type(error).__name__})"


#: Reads a page. Raises ConfigError for what can't be meant, StoreError.
Read = Callable[[Look], Page]
