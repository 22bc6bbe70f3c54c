"""What every record gets from the thread that logs it: the job that runs there, and its thread."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .. import logcontext
from ..context import running
from ..errors import ON_PURPOSE
from ..middleware import ServerContext
from ..plugin import host


def attempt_of(payload: Mapping[str, Any]) -> int:
    """Return which attempt of a job it is that runs: 1 is the first."""
    count = payload.get("retry_count")
    return count + 2 if type(count) is int else 1


def _of_job(run: ServerContext | None) -> dict[str, object]:
    if run is None:
        return {}
    fields: dict[str, object] = {
        "jid": run.jid,
        "class": str(run.payload.get("class", "")),
        "queue": run.queue,
        "attempt": attempt_of(run.payload),
    }
    for more in host.log_fields:
        try:
            fields = {**fields, **more(run.payload), **fields}  # the job's own stand first, and win
        except ON_PURPOSE:
            raise
        except BaseException as error:  # noqa: BLE001 (a line of the job's must not fail it)
            fields["log_fields"] = repr(error)
    return fields


def _least_level(run: ServerContext | None) -> int:
    wanted = run.payload.get("log_level") if run is not None else None
    if isinstance(wanted, str):
        number = logging.getLevelNamesMapping().get(wanted.upper(), 0)
    else:
        number = wanted if isinstance(wanted, int) else 0
    return number


class ContextFilter(logging.Filter):
    """Gives every record the fields ``ctx`` (of the running job) and ``tid``.

    Drops what is below the job's own ``log_level`` option (Sidekiq's ``set(log_level:)``), nothing else.

    Put it on a handler of your own to use ``%(ctx)s`` and ``%(tid)s`` in its format.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp *record* in the thread that logs, which may not be the one that formats."""
        return stamp(record)


def stamp(record: logging.LogRecord) -> bool:
    """Give *record* the fields of this thread, unless it has them; False: the job wants none of it."""
    if hasattr(record, "tid") and hasattr(record, "ctx"):
        return True
    run = running.get()
    if record.levelno < _least_level(run):
        return False
    record.ctx = {
        **_of_job(run),
        **(logcontext.current.get() or {}),
        **getattr(record, "kiq_fields", {}),
    }
    record.tid = logcontext.tid()
    return True
