"""Context variables that travel in one field of the payload, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigError
from ...middleware import Next, Payload, ServerContext
from .forms import values_in
from .shown import shown
from .warned import warn_once

_UNSET = object()
_MOST_TOLD = 5  # unknown names of one job


@dataclass(frozen=True)
class Carried:
    """A variable, the *name* that it has in payloads, and how its values travel."""

    variable: ContextVar[Any]
    name: str
    dump: Callable[[Any], Any] | None
    load: Callable[[Any], Any] | None
    log: bool


class Variables:
    """Server middleware that sets the variables of one field for the time of a run.

    Threads: filled at boot, read-only afterwards. Sets variables in the context of the run alone.
    """

    def __init__(self, field: str) -> None:
        self.payload_field = field
        self._carried: dict[str, Carried] = {}

    def add(self, carried: Carried) -> None:
        """Carry one more variable. Raises ConfigError where another one has its name."""
        known = self._carried.get(carried.name)
        if known is not None and known.variable is not carried.variable:
            raise ConfigError(
                f"carry: two context variables are named {carried.name!r} in {self.payload_field}; "
                "give one of them another name="
            )
        self._carried[carried.name] = carried

    def stamp(self, payload: Payload) -> None:
        """Write the values that are set here into *payload*, unless it has some already."""
        if self.payload_field in payload:
            return
        values = {}
        for name, carried in self._carried.items():
            value = carried.variable.get(_UNSET)
            if value is not _UNSET:
                values[name] = _converted(carried.dump, value, f"dump of {name!r}", payload)
        if values:
            payload[self.payload_field] = values

    def logged(self, payload: Payload) -> Iterator[tuple[str, object]]:
        """Yield what the log lines of the job show of this field."""
        values = values_in(payload.get(self.payload_field))
        for name, carried in self._carried.items():
            if carried.log and name in values:
                yield name, shown(values[name])

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job with the variables as the pushing side had them; then they are as before."""
        field = run.payload.get(self.payload_field)
        values = values_in(field)
        if not values and field:
            warn_once(f"the field {self.payload_field} of a job is no mapping: it is ignored")
        known = [name for name in values if name in self._carried]
        if len(known) < len(values):
            self._tell_unknown(values)
        tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
        try:
            for name in known:
                carried = self._carried[name]
                value = _converted(carried.load, values[name], f"load of {name!r}", run.payload)
                tokens.append((carried.variable, carried.variable.set(value)))
            return call_next(run)
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)

    def _tell_unknown(self, values: Mapping[str, Any]) -> None:
        for name in [name for name in values if name not in self._carried][:_MOST_TOLD]:
            warn_once(
                f"a job carries {shown(name)!r} in {self.payload_field}, which this process does not "
                "know: it is ignored; call kiq.carry for it where workers import it"
            )


def _converted(
    convert: Callable[[Any], Any] | None, value: Any, what: str, payload: Payload
) -> Any:
    if convert is None:
        return value
    try:
        return convert(value)
    except Exception as error:
        error.add_note(f"kiq: in the {what} that {payload.get('class')} carries (kiq.carry)")
        raise
