"""``kiq.carry`` and its kin: what an application says at its top about what jobs carry along."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ... import plugin
from ...errors import ConfigError
from ...undone import refuse_undone
from .plugin import Context
from .scalar import Get, Scalar, Use
from .variables import Carried

_FIELDS = re.compile(r"cattr(_\d+)?")
_TAKEN = frozenset({"jid", "class", "queue", "elapsed"})  # by every log line of a job
_LOCALE = r"[A-Za-z0-9]+([-_.@][A-Za-z0-9]+)*"
_TRACEPARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"


def carry(
    *variables: ContextVar[Any],
    name: str | None = None,
    dump: Callable[[Any], Any] | None = None,
    load: Callable[[Any], Any] | None = None,
    log: bool = False,
    field: str = "cattr",
) -> None:
    """Carry context *variables* from where a job is pushed to where it runs.

    Call it where both sides import it, before the worker starts. A variable that is not set is not
    carried. *name* is how payloads call it (its own name, if not given); *dump* turns a value into
    one that can travel, *load* turns that back; *log* shows it on the log lines of the job. *field*
    is ``cattr``, ``cattr_1`` and so on, for several sets. Raises ConfigError.
    """
    if not variables:
        raise ConfigError("carry takes context variables, as in kiq.carry(tenant)")
    if len(variables) > 1 and (name is not None or dump is not None or load is not None):
        raise ConfigError("carry: name, dump and load are for one variable; carry the others apart")
    if not _FIELDS.fullmatch(field):
        raise ConfigError(f"carry: field is cattr, cattr_1, cattr_2 and so on, not {field!r}")
    for what, function in {"dump": dump, "load": load}.items():
        refuse_undone(f"carry: {what}", function)
    layer = _context().variables(field)
    for variable in variables:
        if not isinstance(variable, ContextVar):
            raise ConfigError(
                f"carry takes contextvars.ContextVar objects, not {variable!r}; for a value of your "
                "own, keep it in a ContextVar"
            )
        called = variable.name if name is None else name
        if not isinstance(called, str) or not called or called.startswith("_aj_"):
            raise ConfigError(f"carry: {called!r} can't be a name")
        if log and called in _TAKEN:
            raise ConfigError(f"carry: {called!r} stands on log lines already; give it a name=")
        layer.add(Carried(variable, called, dump, load, log))


def carry_locale(get: Get, use: Use) -> None:
    """Carry the locale in the field ``locale``, as Sidekiq does.

    ``get()`` returns that of the pushing side, or None; ``use(locale)`` is a context manager in which
    the job runs. Each is called on the thread that pushes, or runs the job.
    """
    _check_callable("carry_locale", get, use)
    _context().add(Scalar("locale", _LOCALE, get, use))


def carry_trace(get: Get, use: Use | None = None) -> None:
    """Carry the trace in the field ``traceparent``, in the form of W3C Trace Context.

    ``get()`` returns the current one, or None: then the pushes of a job carry on with the job's.
    ``use(traceparent)`` is a context manager in which the job runs. Its log lines show ``trace_id``.
    """
    _check_callable("carry_trace", get, *([use] if use is not None else []))
    _context().add(Scalar("traceparent", _TRACEPARENT, get, use))


def _check_callable(what: str, *given: object) -> None:
    for each in given:
        if not callable(each):
            raise ConfigError(f"{what} takes functions, not {each!r}")
        refuse_undone(f"{what}: {getattr(each, '__name__', 'what it was given')}", each)


def _context(host: plugin.Host = plugin.host) -> Context:
    installed = host.plugins.get(Context.name)
    if not isinstance(installed, Context):
        installed = Context()
        host.install(installed)
    return installed
