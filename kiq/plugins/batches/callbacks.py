"""Callbacks: the jobs that a batch pushes when something has become of it, made when the batch is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import ConfigError
from ...jid import new_jid
from ...payload import Args, Payload, build
from ...registry import JobSpec

FIELD = "callback"  # of a payload: whose, and of which event
EVENTS = ("success", "complete", "death", "end")

#: ``Notify.args(7)``, or a job class or function job whose ``perform`` needs no arguments.
Callback = Any


def made(
    given: Mapping[str, Any], bid: str, parent: str, encode: Callable[..., bytes]
) -> list[Any]:
    """Return the fields of a record for the callbacks of each event. Raises ConfigError, ArgumentError.

    Their jids are fixed from now on: whoever pushes one pushes the same.
    """
    fields: list[Any] = []
    for event in EVENTS:
        jids = []
        for number, one in enumerate(_several(given.get(event)), 1):
            payload = _payload(one, f"on_{event}")
            payload[FIELD] = {"bid": bid, "event": event}
            if parent:
                payload["bid"] = parent
            fields += (f"on_{event}:{number}", encode(payload))
            jids.append(str(payload["jid"]))
        if jids:
            fields += (f"on_{event}", " ".join(jids))
    return fields


def _several(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


def _payload(given: Any, where: str) -> Payload:
    calls = given.calls if isinstance(given, Args) else getattr(_enqueuer(given), "_calls", None)
    if calls is None:
        raise ConfigError(
            f"{where} takes a job: Notify.args(7), a class or function job that needs no arguments, or a "
            f"list of such, not {given!r}"
        )
    spec: JobSpec = calls.spec
    args, kwargs = (given.args, given.kwargs) if isinstance(given, Args) else ((), {})
    spec.arity.check(spec.name, args, kwargs)
    # A lock would keep it from its queue, and the batch waits for it.
    options = {name: value for name, value in calls.options.items() if name != "unique"}
    return build(spec.name, args, kwargs, options, new_jid())


def _enqueuer(given: Any) -> Any:
    return given if hasattr(given, "_calls") else getattr(given, "_kiq_enqueuer", None)
