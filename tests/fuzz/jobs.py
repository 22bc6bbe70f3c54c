"""Job classes of the fuzzer's workers. What ran is noted in a file that no fault of Redis can reach.

Nothing but a worker imports this. Every error that is not of a job, or of bytes that are none, is
noted as trouble: it is kiq's own.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import kiq
from kiq.context import running
from kiq.plugin import log_error
from tests.fuzz.identity import both

_journal = os.open(os.environ["FUZZ_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
#: Of the errors of jobs only each so many-th is logged: a million tracebacks fill a disk.
_LOG_EVERY = int(os.environ.get("FUZZ_LOG_EVERY", "1"))
_errors = itertools.count()
_FAR = 100_000_000  # seconds; no retry comes due while the fuzzer runs


def note(word: str, *texts: str) -> None:
    """Append a line to the journal, in one write."""
    os.write(_journal, f"{word} {' '.join(texts)}\n".encode())


def _note_job(word: str, payload: dict[str, Any]) -> None:
    note(word, *(name.hex() for name in both(payload)))


class Good(kiq.Job):
    """Takes whatever comes."""

    def perform(self, /, *args: Any, **kwargs: Any) -> None:
        _note_running()


class Picky(kiq.Job):
    """Takes one argument."""

    def perform(self, _one: Any, /) -> None:
        _note_running()


class Fails(kiq.Job):
    """Raises; with some of its argument in the message."""

    def perform(self, /, *args: Any, **kwargs: Any) -> None:
        raise ValueError(f"{args!r:.500}")

    def retry_in(self, count: int, error: BaseException, payload: dict[str, Any]) -> int:
        return _FAR


def _note_running() -> None:
    run = running.get()
    assert run is not None
    _note_job("run", run.payload)


@kiq.host.on_death
def note_drop(payload: dict[str, Any], error: BaseException) -> None:
    """Note the jobs that are dropped because their options say so: Redis has them no more."""
    if "discarded_at" in payload:
        _note_job("dropped", payload)


def on_error(error: BaseException, context: dict[str, Any]) -> None:
    """Log some of the errors of jobs, and note every error that is no job's."""
    where = context.get("context")
    garbled = "bytes" in context and where in (None, "promotion")
    failed = where is None and {"jid", "class", "queue"} <= context.keys()
    if not garbled and not failed:
        note("trouble", repr(context)[:300], repr(error)[:300])
        log_error(error, context)
    elif next(_errors) % _LOG_EVERY == 0:
        log_error(error, context)


kiq.host.error_handlers[:] = [on_error]
