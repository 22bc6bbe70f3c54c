"""What a failure means: another attempt, the dead set, or nothing. Pure: clock and dice come in.

Follows Sidekiq's decision table; where Sidekiq loses or miscounts, the fix is named in a comment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeGuard

from ..backtrace import packed_backtrace
from ..errors import Discard, JobSignal, Kill, Retry, Snooze
from ..payload import MILLISECONDS_FROM, moment
from ..raised import came_from_shutdown, is_a, is_failure, message_of, name_of, signal_in
from ..undone import check_done

Payload = dict[str, Any]
Hook = Callable[[str], Callable[..., Any] | None]

_LONGEST_DELAY = 1_000_000_000.0  # seconds
_LARGEST_COUNT = 2**53  # what every JSON reader takes for a whole number


@dataclass(frozen=True, slots=True)
class Later:
    """Try again at *at* (epoch seconds). *counted* is False for a snooze."""

    at: float
    counted: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No more attempts. *to_dead* is False when the job is dropped; *why* is for the log.

    *discarded*: the job's own code said so.
    """

    to_dead: bool
    why: str
    discarded: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class PutBack:
    """The job was interrupted by the shutdown: back to its queue, uncounted."""


Decision = Later | GiveUp | PutBack


@dataclass(slots=True)
class Judgement:
    """A decision, the payload as it is to be written, and what the job's own hooks raised.

    *error* is what the job meant by raising: the signal in a group of them, say. *attempts* is how many
    there are at most; None where no number says.
    """

    decision: Decision
    payload: Payload
    error: BaseException
    hook_errors: list[BaseException]
    attempts: int | None = None

    @property
    def attempt(self) -> int:
        """Which attempt of the job this was: 1 is the first."""
        count = self.payload.get("retry_count")
        return count + 1 if isinstance(count, int) else 1

    def fate(self, now: float) -> str:
        """Say what comes next, as seen at *now* (epoch seconds)."""
        which = f"attempt {self.attempt}{f' of {self.attempts}' if self.attempts else ''}"
        decision = self.decision
        if isinstance(decision, Later):
            return f"{which}, again in {span(decision.at - now)}"
        if isinstance(decision, GiveUp):
            place = "goes to the dead set" if decision.to_dead else "is dropped"
            return f"{which}, {decision.why}: {place}"
        return f"{which}, back to its queue"


class RetryPolicy:
    """Decides what becomes of a job that raised.

    Threads: any; it keeps no state. *dice* returns a number from 0 up to 1. *in_seconds* is the form
    of times in jobs that have none yet.
    """

    def __init__(
        self, max_retries: int, dice: Callable[[], float], in_seconds: bool = False
    ) -> None:
        self._max_retries = max_retries
        self._dice = dice
        self.in_seconds = in_seconds

    def judge(
        self, payload: Payload, raised: BaseException, hook: Hook, now: float, *, ran: bool = True
    ) -> Judgement:
        """Decide about *payload* (a dict of its own, changed here), whose run *raised* an error.

        *hook* returns the job's own ``retry_in`` or ``retries_exhausted``. Their errors are
        collected, and the defaults apply. *ran* is False where ``perform`` was not reached.
        """
        errors: list[BaseException] = []
        fails = is_failure(raised)
        error = raised if fails else signal_in(raised) or raised
        retry = payload.get("retry", True)
        if not ran and (retry is False or retry is None):
            retry = True  # it forbids a second run, and there was no first
        decision = self._decide(payload, error, fails, retry, hook, now, errors)
        if isinstance(decision, GiveUp) and not decision.to_dead:
            payload["discarded_at"] = moment(payload, now, self.in_seconds)
        return Judgement(decision, payload, error, errors, self._attempts(payload, retry))

    def _decide(
        self,
        payload: Payload,
        error: BaseException,
        fails: bool,
        retry: Any,
        hook: Hook,
        now: float,
        errors: list[BaseException],
    ) -> Decision:
        asks = not fails and is_a(error, JobSignal)  # usually not: so much for all four
        if not fails and came_from_shutdown(error):
            return PutBack()
        if asks and is_a(error, Snooze) and self._may_wait(payload, error, now):
            return Later(now + _delay_of(error.seconds), counted=False)
        if asks and is_a(error, Discard):
            return GiveUp(False, "the job asked to be discarded", discarded=True)
        kills = asks and is_a(error, Kill)
        if (retry is False or retry is None) and not kills:
            return GiveUp(False, "its options say retry=False")
        count = self._record_failure(payload, error, now)
        if kills:
            return self._exhausted(payload, error, hook, errors, "the job asked to be killed")
        if self._is_exhausted(payload, retry, count, now):
            return self._exhausted(payload, error, hook, errors, "no retry is left")
        if asks and is_a(error, Retry) and error.seconds is not None:
            # The job said when: no jitter on top, unlike a delay from retry_in.
            return Later(now + _delay_of(error.seconds))
        wait = _ask_retry_in(payload, error, hook, count, errors)
        if wait is Kill:
            return self._exhausted(payload, error, hook, errors, "retry_in said Kill")
        if wait is Discard:
            return GiveUp(False, "retry_in said Discard", discarded=True)
        delay = wait if isinstance(wait, float) else float(min(count, 10_000) ** 4 + 15)
        jitter = int(self._dice() * 10 * (min(count, 1_000_000) + 1))
        return Later(now + min(delay, _LONGEST_DELAY) + jitter)

    def _may_wait(self, payload: Payload, error: Snooze, now: float) -> bool:
        """Tell whether it is put off without being counted, or that has gone on for too long."""
        if error.longest is None:
            return True
        since = payload.setdefault("limited_at", moment(payload, now, self.in_seconds))
        return now - _seconds(since, now) < error.longest

    def _record_failure(self, payload: Payload, error: BaseException, now: float) -> int:
        """Write Sidekiq's error fields into *payload*; return the new retry count (0 = first)."""
        retry_queue = payload.get("retry_queue")
        if retry_queue and isinstance(retry_queue, str):
            payload["queue"] = retry_queue
        payload.pop("limited_at", None)
        payload["error_message"] = message_of(error)
        payload["error_class"] = name_of(error)
        known = payload.get("retry_count")
        if isinstance(known, int) and not isinstance(known, bool):
            count = min(max(known, -1) + 1, _LARGEST_COUNT)
            payload["retried_at"] = moment(payload, now, self.in_seconds)
            payload.setdefault("failed_at", payload["retried_at"])
        else:
            count = 0
            payload["failed_at"] = moment(payload, now, self.in_seconds)
        payload["retry_count"] = count
        lines = payload.get("backtrace")
        if lines:
            payload["error_backtrace"] = packed_backtrace(error, lines)
        return count

    def _is_exhausted(self, payload: Payload, retry: Any, count: int, now: float) -> bool:
        window = payload.get("retry_for")
        if _is_number(window) and window > 0:
            # The span, not the end, is compared: no number from outside is too large for that.
            return now - _seconds(payload.get("failed_at"), now) > window
        return count >= self._most(retry)

    def _most(self, retry: Any) -> int:
        return retry if isinstance(retry, int) and retry is not True else self._max_retries

    def _attempts(self, payload: Payload, retry: Any) -> int | None:
        if retry is False or retry is None:
            return 1
        return None if payload.get("retry_for") else max(0, self._most(retry)) + 1

    def _exhausted(
        self,
        payload: Payload,
        error: BaseException,
        hook: Hook,
        errors: list[BaseException],
        why: str,
    ) -> GiveUp:
        try:
            handler = hook("retries_exhausted")
            answer = None
            if handler is not None:
                answer = check_done(handler(payload, error), "retries_exhausted")
            if answer is Discard or isinstance(answer, Discard):
                return GiveUp(False, f"{why}; retries_exhausted said Discard", discarded=True)
        except BaseException as problem:  # noqa: BLE001 (sys.exit and all: the job still dies)
            errors.append(problem)
        if payload.get("dead") is False:
            return GiveUp(False, f"{why}; its options say dead=False")
        return GiveUp(True, why)


def _ask_retry_in(
    payload: Payload, error: BaseException, hook: Hook, count: int, errors: list[BaseException]
) -> float | type[JobSignal] | None:
    """Return the delay in seconds, Kill, Discard, or None for the default."""
    try:
        handler = hook("retry_in")
        if handler is None:
            return None
        return _wish(check_done(handler(count, error, payload), "retry_in"))
    except BaseException as problem:  # noqa: BLE001 (sys.exit and all: the default delay applies)
        errors.append(problem)
        return None


def _wish(answer: Any) -> float | type[JobSignal] | None:
    """Read what retry_in returned. Raises TypeError for what it can't mean."""
    if type(answer) is float and 0 < answer < _LONGEST_DELAY:
        return answer
    if isinstance(answer, timedelta):
        answer = answer.total_seconds()
    if answer is Kill or isinstance(answer, Kill):
        return Kill
    if answer is Discard or isinstance(answer, Discard):
        return Discard
    if answer is None:
        return None
    if not _is_number(answer):
        raise TypeError(
            f"retry_in returned {answer!r}: give seconds, kiq.Kill, kiq.Discard or None"
        )
    # As a plain number: a subclass may compare as it likes, and its delay would be negative.
    seconds = answer if type(answer) in (int, float) else float(answer)
    if seconds >= _LONGEST_DELAY:
        raise ValueError(
            f"retry_in returned {answer!r}, which is over 31 years, or a date: "
            "give seconds, kiq.Kill, kiq.Discard or None"
        )
    return float(seconds) if seconds > 0 else None


def span(seconds: float) -> str:
    """Say *seconds* in one or two units, as people read them."""
    whole = max(0, round(seconds))
    for size, unit, smaller in ((86_400, "d", "h"), (3_600, "h", "min"), (60, "min", "s")):
        if whole >= size:
            rest = whole % size // {"h": 3_600, "min": 60, "s": 1}[smaller]
            return f"{whole // size} {unit}{f' {rest} {smaller}' if rest else ''}"
    return f"{whole} s"


def _delay_of(seconds: Any) -> float:
    """Return what a job asked for, from 0 to the longest delay; 0 for what is no number."""
    return float(min(max(seconds, 0), _LONGEST_DELAY)) if _is_number(seconds) else 0.0


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _seconds(stamp: Any, now: float) -> float:
    """Return a payload's time stamp in seconds: it may be in milliseconds (Sidekiq 8) or seconds (7)."""
    if not _is_number(stamp):
        return now
    # Beyond these bounds it is no time, and may be too large for a float.
    bounded = max(0, min(stamp, _LARGEST_COUNT))
    return bounded / 1000 if bounded >= MILLISECONDS_FROM else bounded
