"""What becomes of a job that failed: its verdict, and who is told."""

from __future__ import annotations

import logging
import sys
from typing import Any

from ..clock import wall
from ..codec import Codec, decode, encode
from ..errors import Cancelled, Discard, JobSignal, Kill, PayloadError, Retry, Snooze
from ..jid import new_jid
from ..payload import moment
from ..plugin import Host
from ..raised import (
    came_from_shutdown,
    is_a,
    is_failure,
    message_of,
    name_of,
    signal_in,
    traceback_of,
)
from ..verdict import Dropped, Taken, ToDead, ToQueue, ToRetry, ToSchedule, Verdict
from .retry import GiveUp, Hook, Judgement, Later, PutBack, RetryPolicy, span

logger = logging.getLogger("kiq.job")

_LONGEST_SHOWN = 200  # characters of a name in a log line
_RUNNING = "it was running each time when its process died, three times"
_LAST_RESORT = 60.0  # seconds until a job runs again whose failure could not even be counted


class PoisonPill(Exception):
    """Why a job that killed its process three times is in the dead set."""


class Unjudged(Exception):
    """Stands for an error that raised when it was looked at."""


class Failures:
    """Decides about jobs that failed, and lets nothing out but verdicts.

    Whatever is wrong with an error, or with those who are told of it: the job keeps a place to be, and
    does not run again at once. Threads: any.
    """

    def __init__(self, host: Host, policy: RetryPolicy) -> None:
        self._host = host
        self._policy = policy

    def verdict(
        self, taken: Taken, jid: Any, error: BaseException, hook: Hook, *, ran: bool = True
    ) -> Verdict:
        """Decide about *taken*, whose run raised *error*; *jid* is what the run had."""
        problem: BaseException | None = None
        for attempt in range(3):
            try:
                raised = error if attempt < 2 else _unjudged(error, problem)
                judgement, codec = self._judge(taken, jid, raised, _none if attempt else hook, ran)
                verdict = _verdict(judgement, codec)
                break
            except BaseException as found:  # noqa: BLE001 (e.g. a hook put in what can't be encoded)
                problem = found
                if not attempt:
                    self._host.report(found, {"context": "retry", "jid": _brief(jid)})
        else:
            whisper("judging a failed job", problem or error)
            return ToRetry(taken.raw, wall() + _LAST_RESORT)
        try:
            self._tell(judgement)
        except BaseException as found:  # noqa: BLE001 (its fate is decided, whoever calls sys.exit)
            whisper("telling of a failed job", found)
        return verdict

    def of_kiq(self, taken: Taken, error: BaseException) -> Verdict:
        """Decide about *taken*, in whose run kiq itself made a mistake: a counted retry."""
        # Whether the job has run, nobody knows: it is not dropped for it.
        return self.verdict(taken, None, error, _none, ran=False)

    def convict(
        self, taken: Taken, payload: dict[str, Any], codec: Codec, why: str = _RUNNING
    ) -> Verdict:
        """Decide about a job that was running each time when its process died, or *why* else."""
        error = PoisonPill(why)
        payload["error_class"] = "kiq.PoisonPill"
        payload["error_message"] = str(error)
        payload.setdefault("failed_at", moment(payload, wall(), self._policy.in_seconds))
        verdict: Verdict = Dropped(str(error), failed=True)
        if payload.get("dead") is not False:
            try:
                verdict = ToDead(encode(payload, codec), wall())
            except PayloadError:  # it came in a form that we don't write
                verdict = ToDead(taken.raw, wall(), str(error))
        where = {"jid": _brief(payload.get("jid")), "class": _brief(payload["class"])}
        self._host.report(error, where)
        self._host.tell_death(payload, error)
        return verdict

    def _judge(
        self, taken: Taken, jid: Any, error: BaseException, hook: Hook, ran: bool
    ) -> tuple[Judgement, Codec]:
        # What middleware changed is not written back: the original bytes are what is retried.
        original, codec = decode(taken.raw)
        original.setdefault("jid", jid or new_jid())
        original.setdefault("queue", taken.flight.queue)
        return self._policy.judge(original, error, hook, wall(), ran=ran), codec

    def _tell(self, judgement: Judgement) -> None:
        payload, decision, error = judgement.payload, judgement.decision, judgement.error
        where = {
            "jid": _brief(payload["jid"]),
            "class": _brief(payload["class"]),
            "queue": _brief(payload["queue"]),
        }
        for problem in judgement.hook_errors:
            self._host.report(problem, {"context": "a hook of the job", **where})
        if isinstance(decision, PutBack) or is_a(error, Snooze):
            return
        if not is_a(error, JobSignal):
            story = {"attempt": judgement.attempt, "fate": judgement.fate(wall())}
            self._host.report(error, {**where, **story})
        if isinstance(decision, GiveUp):
            place = "goes to the dead set" if decision.to_dead else "is dropped"
            self._say_given_up({**where, "attempt": judgement.attempt}, place, decision.why, error)
            self._host.tell_death(payload, error)

    def _say_given_up(
        self, fields: dict[str, Any], place: str, why: str, error: BaseException
    ) -> None:
        lines, said = self._host.job_lines, f"{place}: {why}"
        if lines is not None and lines.gave_up(fields, said):
            return
        logger.warning(
            "%s %s: %s [jid=%s %s: %s]",
            fields["class"],
            place,
            why,
            fields["jid"],
            name_of(error),
            message_of(error)[:200],
            extra={"kiq_fields": fields, "kiq_said": said},
        )


def outcome_of(error: BaseException) -> str:
    """Say how a run ended that raised *error*: "fail", or what it, or somebody else, asked for."""
    if is_failure(error):
        return "fail"
    try:
        if is_a(error, Cancelled):
            return "cancelled"
        if came_from_shutdown(error):
            return "interrupted"
        match signal_in(error):
            case Snooze(seconds=seconds):
                return f"snooze, again in {span(seconds or 0)}"
            case Retry():
                return "retry, as it asked"
            case Discard():
                return "discard, as it asked"
            case Kill():
                return "kill, as it asked"
    except BaseException:  # noqa: BLE001 (an error that can't be looked at)
        return "fail"
    return "fail"


def whisper(what: str, problem: BaseException) -> None:
    """Say by stderr that *what* failed, where the log itself may be what is broken."""
    sys.stderr.write(f"kiq: {what} failed: {name_of(problem)}: {message_of(problem)}\n")


def _brief(value: Any) -> Any:
    """Return *value* for a log line: whoever pushed it may have made it a megabyte long."""
    if type(value) is str and len(value) <= _LONGEST_SHOWN:
        return value
    text = str(value)
    return value if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _none(_name: str) -> None:
    return None


def _unjudged(error: BaseException, problem: BaseException | None) -> Unjudged:
    why = f": {name_of(problem)}: {message_of(problem)}" if problem is not None else ""
    stand_in = Unjudged(f"{name_of(error)}, which can't be judged{why}")
    return stand_in.with_traceback(traceback_of(error))


def _verdict(judgement: Judgement, codec: Codec) -> Verdict:
    payload = judgement.payload
    match judgement.decision:
        case PutBack():
            return ToQueue()
        case Later(at, counted=False):
            payload.pop("enqueued_at", None)
            return ToSchedule(encode(payload, codec), at)
        case Later(at):
            return ToRetry(encode(payload, codec), at)
        case GiveUp(to_dead=True):
            return ToDead(encode(payload, codec), wall())
        case GiveUp(why=why, discarded=discarded):
            return Dropped(why, failed=True, discarded=discarded)
