"""Every exception of kiq, as one tree.

::

    BaseException
    ├─ Shutdown                  the process is leaving: raised inside a job that ran past the deadline
    ├─ TimeLimitExceeded         raised inside a job that ran longer than its time_limit
    └─ Cancelled                 raised inside a job that somebody cancelled
    Exception
    ├─ KiqError
    │  ├─ ConfigError            a setting is wrong or unknown                          exit code 78
    │  ├─ BootError              the application could not be imported                  exit code 70
    │  ├─ PluginError            a plugin can't be installed
    │  ├─ PayloadError           this can't be a job                            (also a ValueError)
    │  │  ├─ ArgumentError       the arguments don't fit or can't travel        (also a TypeError)
    │  │  └─ UndecodablePayload  bytes in a queue that are no job
    │  ├─ BatchClosed            nothing can be added to a batch that is over, cancelled, or not there
    │  ├─ BulkPushError          a bulk push broke half-way: says which jobs were pushed
    │  ├─ UnknownJobClass        no registered job class has this name          (also a LookupError)
    │  ├─ ResultError            there is no result to be had: .jid
    │  │  ├─ JobFailed           the job ended otherwise: .status, .error_class, .error_message, .attempt
    │  │  ├─ ResultMissing       expired, or could not be kept, or nobody knows the job
    │  │  ├─ ResultTimeout       the job has not ended in time                  (also a TimeoutError)
    │  │  └─ WaitRefused         a job may not wait for another
    │  ├─ NotDone                what was to do work returned a coroutine, or a future  (also a TypeError)
    │  ├─ EmbeddedServerError    the embedded server can't be found or started          exit code 69
    │  └─ StoreError             Redis refused a command: .maybe_done, .jids
    │     ├─ StoreUnavailable    Redis can't be reached: worth trying again             exit code 69
    │     ├─ StoreFull           Redis has reached its maxmemory
    │     ├─ StoreDenied         wrong password, or a command that the user may not use exit code 77
    │     └─ StoreUnsuitable     too old, a cluster, or shared so that jobs are lost     exit code 78
    └─ JobSignal                 what a job raises to choose its own fate
       ├─ Retry(seconds)         try again later; counts as a failed attempt
       ├─ Snooze(seconds)        try again later; does not count
       │  └─ RateLimited         a limit is reached: later (kiq.plugins.limits)
       ├─ Kill                   to the dead set
       └─ Discard                drop it
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any


class _Travels(BaseException):
    """Can be copied and pickled, whatever its ``__init__`` takes: what was raised in a pool arrives."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    restored = kind.__new__(kind, *args)
    restored.args = args  # those that are an OSError, too, leave that to __init__
    return restored


class Shutdown(_Travels):
    """The process is leaving and this job has run past the deadline.

    Raised inside the job's thread, best effort. A BaseException, so that a job's own
    ``except Exception`` does not swallow it. The job goes back to its queue, uncounted.
    """


class TimeLimitExceeded(_Travels):
    """The job has run longer than its ``time_limit``; a failure like any other: retried, counted.

    Raised inside the job's thread. A BaseException, so that a job's own ``except Exception`` does
    not swallow it.
    """


class Cancelled(_Travels):
    """Somebody cancelled this job: raised inside its thread. It is dropped, and not tried again.

    A BaseException, so that a job's own ``except Exception`` does not swallow it.
    """


class KiqError(_Travels, Exception):
    """The root of kiq's errors."""


class ConfigError(KiqError, ValueError):
    """A setting or an option is wrong, unknown, or contradicts another one."""


class BootError(KiqError):
    """The application that the worker was asked to run could not be imported."""


class PluginError(KiqError):
    """A plugin can't be installed, or middleware can't be put where it was asked to be."""


class PayloadError(KiqError, ValueError):
    """What was given can't be a job."""


class DuplicateJob(KiqError):
    """A unique job was not pushed, as another is there: *jid* is that one's."""

    def __init__(self, message: str, jid: str = "") -> None:
        super().__init__(message)
        self.jid = jid


class ArgumentError(PayloadError, TypeError):
    """A job's arguments don't fit its signature, or hold a value that can't travel."""


class UndecodablePayload(PayloadError):
    """Bytes found in Redis are not a job; they end in the dead set as they are."""


class BulkPushError(KiqError):
    """A bulk push broke half-way.

    *jids* are the jobs that were pushed before it broke; *uncertain* those of the slice that broke,
    which may have reached Redis if the reply was lost.
    """

    def __init__(self, message: str, jids: Sequence[str | None], uncertain: Sequence[str]) -> None:
        super().__init__(message)
        self.jids = list(jids)
        self.uncertain = list(uncertain)


class BatchClosed(KiqError):
    """Nothing can be added to a batch: it is over, cancelled, or not there."""


class UnknownJobClass(KiqError, LookupError):
    """No registered job class has the name that a payload gives."""


class NotDone(KiqError, TypeError):
    """What was called to do work returned a coroutine, a generator or a future: work that nobody does."""


class ResultError(KiqError):
    """There is no result of the job *jid* to be had."""

    def __init__(self, message: str, jid: str = "") -> None:
        super().__init__(message)
        self.jid = jid


class JobFailed(ResultError):
    """The job ended without a result. What it raised is told in words; no exception is made from data.

    *status* is "dead", "discarded" or "deleted"; *error_class*, *error_message* and *backtrace* (text)
    are what its last attempt, *attempt* (1 for the first), raised, empty where it raised nothing.
    """

    status = error_class = error_message = backtrace = ""
    attempt = 1


class ResultMissing(ResultError, LookupError):
    """The job is done and its result is not there (expired, too large, can't travel), or it is unknown."""


class ResultTimeout(ResultError, TimeoutError):
    """The job has not ended within the time that the caller had."""


class WaitRefused(ResultError):
    """A job wanted to wait for another: the threads that wait may be those that it needs."""


class EmbeddedServerError(KiqError):
    """The embedded Redis-compatible server can't be found, started or joined."""


class StoreError(KiqError):
    """Redis refused a command, or could not be reached; the driver's error is the cause.

    *maybe_done* is False when nothing was written: Redis refused, or was never asked. It is True when
    the connection broke after the command was sent: then nobody knows. *jids* are the jobs of the
    push that failed; *acted* is what a bulk act of ``kiq.api`` had done before.
    """

    acted: int = 0

    def __init__(self, message: str, maybe_done: bool = False, jids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        self.jids = tuple(jids)

    def of_push(self, jids: Sequence[str]) -> StoreError:
        """Return this error as that of the push of *jids*: named, and with what became of them."""
        named = f"jid {jids[0]}" if len(jids) == 1 else f"{len(jids)} jobs, see .jids"
        fate = "nothing was pushed"
        if self.maybe_done:
            fate = "it may or may not have been pushed; if you push it again it may run twice"
        return type(self)(f"{self}; {fate} ({named})", self.maybe_done, jids)


class StoreUnavailable(StoreError):
    """Redis can't be reached, takes no writes now, or cut the connection; see *maybe_done*."""


class StoreFull(StoreError):
    """Redis has reached its maxmemory and refuses to hold more."""


class StoreDenied(StoreError):
    """Redis refused the password, or the user may not use a command that kiq needs."""


class StoreUnsuitable(StoreError):
    """This Redis can't keep kiq's promises: too old, a cluster, or shared so that jobs would be lost."""


class JobSignal(_Travels, Exception):
    """What a job raises to choose its own fate.

    Derives from Exception: a bare ``except Exception`` in the job swallows it.
    """


class _Later(JobSignal):
    def __init__(self, seconds: float | timedelta | None = None, reason: str = "") -> None:
        super().__init__(reason or f"{type(self).__name__.lower()} requested by the job")
        value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9
        ):
            raise PayloadError(
                f"{type(self).__name__} takes seconds from now (0 or more, and no date) or a "
                f"timedelta, not {seconds!r}"
            )
        self.seconds = value


class Retry(_Later):
    """Try this job again in *seconds* (the usual back-off when None); counts as a failure."""


class Snooze(_Later):
    """Run this job again in *seconds*; not a failure, and not counted as an attempt.

    For *longest* seconds from the first time on: a job that snoozes after that fails. None is for ever.
    """

    longest: float | None = None

    def __init__(self, seconds: float | timedelta, reason: str = "") -> None:
        if seconds is None:
            raise PayloadError("Snooze takes seconds (0 or more) or a timedelta, not None")
        super().__init__(seconds, reason)


class Kill(JobSignal):
    """Send this job to the dead set without further attempts."""


class Discard(JobSignal):
    """Drop this job: no retry, no dead set; death handlers are told."""


#: What is raised in a job's thread to end the job, wherever it is: no line of the log takes it in.
ON_PURPOSE = (Shutdown, TimeLimitExceeded, Cancelled)
