"""The error handler that is there by default: what failed, what comes next, and the traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import islice
from types import TracebackType
from typing import Any

from . import raised
from .clock import steady
from .raised import is_alone, message_of, name_of, related, traceback_of

logger = logging.getLogger("kiq.errors")

_LATELY = 1.0  # seconds for which a traceback is not told again
_MOST = 1_000  # kinds of errors that are remembered
_DEEP = 5  # errors behind an error that tell its kind
#: What lines of a job have as fields; the message has them too, for handlers that show nothing else.
_FIELDS = ("jid", "class", "queue", "attempt")


class Told:
    """Which kinds of errors were told with their traceback lately.

    Threads: any. Two that look at once may both be told to tell.
    """

    def __init__(self) -> None:
        self._kinds: dict[
            object, list[float]
        ] = {}  # when it was told last, and how many were not since

    def look(self, kind: object, now: float) -> int | None:
        """Return how many of *kind* came without a traceback since one had it; None: this one does too."""
        known = self._kinds.get(kind)
        if known is not None and now - known[0] < _LATELY:
            known[1] += 1
            return None
        if len(self._kinds) >= _MOST:
            self._kinds.clear()
        self._kinds[kind] = [now, 0]
        return int(known[1]) if known is not None else 0


_told = Told()
#: Says what failed of a job with some fields, and what comes next; False: it takes a record of
#: ``logging``. Set by who made the handler of kiq's log.
quick: Callable[[Mapping[str, Any], str], bool] | None = None


def log_error(error: BaseException, context: dict[str, Any]) -> None:
    """Log *error*, with its traceback unless one like it was told within the last second.

    *context* says where it was; ``fate``, what becomes of the job. The traceback begins with the first
    frame that is not kiq's, but where the logger is at level debug.
    """
    fate = context.get("fate")
    said = f"{name_of(error).rpartition('.')[2]}: {message_of(error)}{f' ({fate})' if fate else ''}"
    fields = {key: value for key in _FIELDS if (value := context.get(key)) is not None}
    untold = _told.look(_kind(error, context.get("class")), steady())
    of_a_job = len(fields) == len(_FIELDS)
    if untold is None and of_a_job and quick is not None and quick(fields, said):
        return
    where = " ".join(
        f"{key}={value}"
        for key, value in context.items()
        if value is not None and key not in ("fate", "attempt")
    )
    more = {"kiq_fields": fields, "kiq_said": said if fields else f"{said} [{where}]"}
    if untold is None:
        logger.error("%s [%s]", said, where, extra=more)
        return
    before = f" ({untold:,} more like it came since the last traceback)" if untold else ""
    more["kiq_said"] = f"{more['kiq_said']}{before}"
    trace = traceback_of(error)
    shown = trace if logger.isEnabledFor(logging.DEBUG) else _of_users(trace)
    raised.log(logger, error, "%s [%s]%s", said, where, before, extra=more, trace=shown)


def _kind(error: BaseException, job_class: object) -> tuple[object, ...]:
    if is_alone(error):
        return (str(job_class), _place(error))
    return (str(job_class), *map(_place, islice(related(error), _DEEP)))


def _place(error: BaseException) -> tuple[object, ...]:
    last = trace = traceback_of(error)
    while trace is not None:
        last, trace = trace, trace.tb_next
    if last is None:
        return (id(type(error)),)
    return (id(type(error)), id(last.tb_frame.f_code), last.tb_lasti)


def _of_users(trace: TracebackType | None) -> TracebackType | None:
    """Return *trace* from its first frame that is not kiq's on; whole where all are."""
    found = trace
    while found is not None and _is_ours(found):
        found = found.tb_next
    return found or trace


def _is_ours(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__")).startswith("kiq.")
