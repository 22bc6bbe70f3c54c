"""What an error is, read without running code of its own: errors of jobs may raise when looked at."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, TypeGuard, TypeVar

from .errors import ON_PURPOSE, Discard, JobSignal, Kill, KiqError, Retry, Shutdown, Snooze

MESSAGE_LIMIT = 10_000  # characters kept of an error's message
_NAME_LIMIT = 1_000
_MOST_SHOWN = 100  # errors behind an error
_USUAL_DEPTH = 10  # errors in a row, each behind the next: for so many there is a quick way
E = TypeVar("E", bound=BaseException)
_SIGNALS: tuple[type[JobSignal], ...] = (Snooze, Retry, Discard, Kill)
_SIGNALS_OR_GROUPS = (JobSignal, BaseExceptionGroup)
_NO_FAILURES = (JobSignal, *ON_PURPOSE)

# As the base classes have them: what a class puts in their place, or its metaclass, is not asked.
_CAUSE, _CONTEXT, _TRACEBACK = (
    vars(BaseException)[name] for name in ("__cause__", "__context__", "__traceback__")
)
_OWN = vars(BaseException)["__dict__"]
_PARTS = vars(BaseExceptionGroup)["exceptions"]
_MODULE, _QUALNAME, _MRO = (vars(type)[name] for name in ("__module__", "__qualname__", "__mro__"))
_DICT = vars(type)["__dict__"]
#: What Python looks up when it prints an error; an error's class that has one of its own may raise.
_LOOKED_UP = {"__cause__", "__class__", "__context__", "__notes__", "__traceback__"}
_LOOKED_UP |= {"__bool__", "__getattr__", "__getattribute__", "__len__", "__suppress_context__"}


def is_a(error: BaseException, kind: type[E]) -> TypeGuard[E]:
    """Tell whether *error* is of *kind*; isinstance would ask its ``__class__``."""
    return issubclass(type(error), kind)


def related(error: BaseException) -> Iterator[BaseException]:
    """Return *error*, and all causes, contexts and members of groups behind it, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [_CAUSE.__get__(current), _CONTEXT.__get__(current), *_parts(current)]


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    return _PARTS.__get__(error) if is_a(error, BaseExceptionGroup) else ()


def is_alone(error: BaseException) -> bool:
    """Tell whether nothing is behind *error*: the usual case, for which related() takes a while."""
    return (
        _CONTEXT.__get__(error) is None
        and _CAUSE.__get__(error) is None
        and not issubclass(type(error), BaseExceptionGroup)
    )


def is_failure(error: BaseException) -> bool:
    """Tell at a glance whether *error* is a failure and nothing else; False: look closer."""
    return is_alone(error) and not issubclass(type(error), _NO_FAILURES)


def came_from_shutdown(error: BaseException) -> bool:
    """Tell whether *error* is Shutdown, or has it anywhere among its causes, contexts and groups."""
    current = error
    for _ in range(_USUAL_DEPTH):
        if issubclass(type(current), Shutdown):
            return True
        cause, context = _CAUSE.__get__(current), _CONTEXT.__get__(current)
        if issubclass(type(current), BaseExceptionGroup) or (
            cause is not None and context is not None and cause is not context
        ):
            break
        behind = context if cause is None else cause
        if behind is None:
            return False
        current = behind
    return any(is_a(one, Shutdown) for one in related(error))


def signal_in(error: BaseException) -> JobSignal | None:
    """Return what the job asked for by raising *error*; None for a failure.

    A group (of ``asyncio.TaskGroup`` or ``except*``) counts as the signal that all its members are,
    of several waits as the longest. One that holds anything else is a failure.
    """
    if not issubclass(type(error), _SIGNALS_OR_GROUPS):
        return None
    leaves = list(_leaves(error))
    for kind in _SIGNALS:
        signals = [one for one in leaves if is_a(one, kind)]
        if len(signals) == len(leaves):
            waits = [getattr(one, "seconds", None) or 0.0 for one in signals]
            return signals[waits.index(max(waits))]
    return None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    waiting = [error]
    while waiting:
        current = waiting.pop()
        parts = _parts(current)
        waiting += reversed(parts)
        if not parts:
            yield current


def name_of(error: BaseException) -> str:
    """Return the name of an error's class, with its module unless that is builtins."""
    kind = type(error)
    module, name = _MODULE.__get__(kind), _QUALNAME.__get__(kind)
    return _text(name if module == "builtins" else f"{module}.{name}", _NAME_LIMIT)


def message_of(error: BaseException) -> str:
    """Return an error's message as text that any codec carries, cut to 10,000 characters."""
    try:
        return _text(str(error), MESSAGE_LIMIT)
    except BaseException:  # noqa: BLE001 (a broken __str__ must not cost the job its retry)
        return f"<unprintable {name_of(error).rpartition('.')[2]} object>"


def _text(text: str, limit: int) -> str:
    if type(text) is str and len(text) <= limit and text.isascii():
        return text  # the usual case, and nothing to be done
    # By str's own methods: what __str__ returns may be of a class that has others.
    return str.encode(str.__getitem__(text, slice(limit)), "utf-8", "replace").decode("utf-8")


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of *error*."""
    found: TracebackType | None = _TRACEBACK.__get__(error)
    return found


def is_a_sentence(error: BaseException) -> bool:
    """Tell whether *error* is one of kiq's, and kiq's alone: its frames would tell users nothing."""
    if not is_a(error, KiqError) or len(list(related(error))) > 1:
        return False
    frames = [frame for frame, _ in traceback.walk_tb(traceback_of(error))]
    return all(str(frame.f_globals.get("__name__")).startswith("kiq.") for frame in frames)


def shown(error: BaseException) -> str:
    """Return *error* and where it came from as text, without what is behind it."""
    lines = traceback.format_tb(traceback_of(error))
    return f"{''.join(lines)}{name_of(error)}: {message_of(error)}"


def log(
    logger: logging.Logger,
    error: BaseException,
    text: str,
    *args: Any,
    trace: TracebackType | None = None,
    extra: Mapping[str, object] | None = None,
) -> None:
    """Log *text* with the traceback of *error*, in a form that every handler can print.

    *trace* is what is shown of its traceback, if not all; *extra* are fields of the record.
    """
    trace = trace or traceback_of(error)
    kind = type(error)
    if is_a_sentence(error):
        logger.error(text, *args, extra=extra)
        return
    try:
        all_of_them = list(related(error))
        if len(all_of_them) > _MOST_SHOWN:
            raise RecursionError  # seconds for whoever prints it
        if any(map(_may_raise, all_of_them)):
            traceback.format_exception(kind, error, trace)
    except BaseException:  # noqa: BLE001 (whatever it is, it is not ours)
        logger.error(f"{text}\n%s", *args, shown(error), extra={**(extra or {}), "kiq_said": None})
    else:
        logger.error(text, *args, exc_info=(kind, error, trace), extra=extra)


def _may_raise(error: BaseException) -> bool:
    if type(type(error)) is not type or "__notes__" in _OWN.__get__(error):
        return True
    return any(
        not _LOOKED_UP.isdisjoint(_DICT.__get__(kind))
        for kind in _MRO.__get__(type(error))
        if kind is not BaseException and kind is not object
    )
