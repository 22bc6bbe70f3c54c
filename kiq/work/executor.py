"""The executor: one taken job in, its verdict out."""

from __future__ import annotations

import logging
import random
import sys
from contextvars import Context
from typing import Any

from .. import interruption
from ..clock import steady, wall
from ..codec import Codec, decode, encode
from ..config import Config
from ..context import running
from ..errors import Cancelled, ConfigError, JobSignal, Snooze, UndecodablePayload
from ..inline import begin_job
from ..jid import new_jid
from ..middleware import Next, ServerContext, fold_by_class
from ..payload import moment
from ..plugin import Host
from ..registry import JobSpec, Registry
from ..verdict import DONE, Dropped, Taken, ToDead, ToQueue, ToRetry, ToSchedule, Verdict
from .desk import Desk
from .retry import GiveUp, Hook, Judgement, Later, PutBack, RetryPolicy, message_of, name_of

logger = logging.getLogger("kiq.job")

#: A suspicion of this level means: it was running at three crashes. It does not get a fourth.
CONVICTED = 3
CANCELLED = "it was cancelled"
_new_run = object.__new__
_VETOED = "a server middleware did not run it"
_LONGEST_SHOWN = 200  # characters of a name in a log line


class PoisonPill(Exception):
    """Why a job that killed its process three times is in the dead set."""


class _Run(ServerContext):
    """A run with what the executor itself needs to know about it."""

    #: *task*, on the event loop alone: what runs it; ``task.throw(error)`` ends it from any thread.
    __slots__ = ("performed", "spec", "task")
    in_worker = True
    performed: bool
    spec: JobSpec


def _run_of(payload: dict[str, Any], queue: str, spec: JobSpec) -> _Run:
    run = _new_run(_Run)  # not _Run(...): going through its __init__ costs 0.1 µs a job
    run.payload = payload
    run.queue = queue
    run.spec = spec
    run.job_class = spec.target
    run.job = spec.make()
    run.performed = False
    return run


class Executor:
    """Turns a taken job into a verdict. Never touches Redis, and lets nothing out but a verdict.

    Threads: safe to share; each run keeps its state in locals, and in a context of its own, so that
    context variables don't leak from one job to the next.
    """

    def __init__(self, config: Config, host: Host, registry: Registry) -> None:
        self._host = host
        self._registry = registry
        self._in_seconds = config.writes_seconds
        self._policy = RetryPolicy(config.max_retries, random.random, self._in_seconds)
        #: Runs a job in its layers. It says first what runs: a Python call less than doing it here.
        self._run = fold_by_class(host.server_middleware, _perform, running.set)
        self._coroutines = host.async_runner(config, registry) if host.async_runner else None
        if self._coroutines is not None:
            awaited = self._coroutines.awaiting(_perform)
            self._run_async = fold_by_class(host.server_middleware, awaited, running.set)
        self._logs_jobs = not config.skip_default_job_logging
        self._logged_attributes = config.logged_job_attributes

    def __call__(self, taken: Taken, desk: Desk | None = None) -> Verdict | None:
        """Run the job in *taken*. None: it goes on, and its verdict will be delivered at *desk*."""
        try:
            payload, codec = decode(taken.raw)
        except UndecodablePayload as error:
            self._host.report(error, {"queue": taken.flight.queue, "bytes": len(taken.raw)})
            return ToDead(taken.raw, wall(), str(error), ran=False)
        if taken.suspicion >= CONVICTED:
            return self._convict(payload, codec)
        try:
            if "jid" not in payload:
                payload["jid"] = new_jid()
            if interruption.cancelled and interruption.was_cancelled(payload):
                return self._skipped(payload, CANCELLED)
            run = _run_of(payload, taken.flight.queue, self._registry.get(payload["class"]))
            if run.spec.is_async:
                return self._hand_over(taken, codec, run, desk)
            # An empty context for each run: 0.3 µs, and nothing leaks into the next job.
            if self._logs_jobs and logger.isEnabledFor(logging.INFO):
                Context().run(self._logged, run, self._run)
            else:
                Context().run(self._run, run)
            run.job = None  # it refers to the run: both would wait for the garbage collector
            return DONE if run.performed else self._skipped(payload, _VETOED)
        except BaseException as error:  # noqa: BLE001 (SystemExit and all: a bad job harms only itself)
            return self._failed(taken, payload, codec, error)

    def _hand_over(
        self, taken: Taken, codec: Codec, run: _Run, desk: Desk | None
    ) -> Verdict | None:
        """Leave *run* to the event loop: it calls ``attempt`` in a context of its own."""
        if self._coroutines is None or desk is None:
            raise ConfigError(
                f"{run.spec.name} is async, and this process has no event loop for it: "
                "it was registered after the start, or the plugin asyncio_jobs is disabled"
            )

        def attempt() -> Verdict:
            try:
                # Again: it may have waited for a loop that was blocked.
                if interruption.was_cancelled(run.payload):
                    return self._skipped(run.payload, CANCELLED)
                observed = self._logs_jobs and logger.isEnabledFor(logging.INFO)
                if observed:
                    self._logged(run, self._run_async)
                else:
                    self._run_async(run)
                run.job = None
                return DONE if run.performed else self._skipped(run.payload, _VETOED)
            except BaseException as error:  # noqa: BLE001 (as above)
                return self._failed(taken, run.payload, codec, error)

        return self._coroutines.take(taken, run, attempt, desk)

    def _logged(self, run: _Run, layers: Next[ServerContext]) -> None:
        running.set(run)
        attributes = {
            name: run.payload[name] for name in self._logged_attributes if name in run.payload
        }
        _say("start", attributes)
        began = steady()
        outcome = "fail"
        try:
            layers(run)
            outcome = "done"
        finally:
            _say(outcome, {**attributes, "elapsed": round(steady() - began, 3)})

    def _skipped(self, payload: dict[str, Any], why: str) -> Verdict:
        _say(f"skipped: {why}", {"jid": str(payload.get("jid")), "class": payload["class"]})
        return Dropped(why)

    def _failed(
        self, taken: Taken, payload: dict[str, Any], codec: Codec, error: BaseException
    ) -> Verdict:
        """Decide what a failure means; whatever goes wrong here, the job keeps a place to be."""
        if isinstance(error, Cancelled) or interruption.was_cancelled(payload):
            return self._skipped(payload, CANCELLED)
        try:
            spec = self._registry.find(payload["class"])
            judgement = self._judge(taken, payload, error, spec.hook if spec else _no_hook)
            verdict = _verdict(judgement, codec)
        except BaseException as problem:  # noqa: BLE001 (e.g. a hook put in what can't be encoded)
            self._host.report(problem, {"context": "retry", "jid": payload.get("jid")})
            judgement = self._judge(taken, payload, error, _no_hook)
            verdict = _verdict(judgement, codec)
        try:
            self._tell(judgement, error)
        except BaseException as problem:  # noqa: BLE001 (its fate is decided, whoever calls sys.exit)
            _whisper("telling of a failed job", problem)
        return verdict

    def _judge(
        self, taken: Taken, payload: dict[str, Any], error: BaseException, hook: Hook
    ) -> Judgement:
        # What middleware changed is not written back: the original bytes are what is retried.
        original, _ = decode(taken.raw)
        original.setdefault("jid", payload.get("jid") or new_jid())
        original.setdefault("queue", taken.flight.queue)
        return self._policy.judge(original, error, hook, wall())

    def _convict(self, payload: dict[str, Any], codec: Codec) -> Verdict:
        error = PoisonPill("it was running each time when its process died, three times")
        payload["error_class"] = "kiq.PoisonPill"
        payload["error_message"] = str(error)
        payload.setdefault("failed_at", moment(payload, wall(), self._in_seconds))
        spared = payload.get("dead") is False
        verdict: Verdict = (
            Dropped(str(error), failed=True) if spared else ToDead(encode(payload, codec), wall())
        )
        where = {"jid": _brief(payload.get("jid")), "class": _brief(payload["class"])}
        self._host.report(error, where)
        self._host.tell_death(payload, error)
        return verdict

    def _tell(self, judgement: Judgement, error: BaseException) -> None:
        payload, decision = judgement.payload, judgement.decision
        where = {name: _brief(payload[name]) for name in ("jid", "class", "queue")}
        for problem in judgement.hook_errors:
            self._host.report(problem, {"context": "a hook of the job", **where})
        if isinstance(decision, PutBack) or isinstance(error, Snooze):
            return
        if not isinstance(error, JobSignal):
            self._host.report(error, where)
        if isinstance(decision, GiveUp):
            place = "goes to the dead set" if decision.to_dead else "is dropped"
            logger.warning(
                "%s %s: %s [jid=%s %s: %s]",
                where["class"],
                place,
                decision.why,
                where["jid"],
                name_of(error),
                message_of(error)[:200],
            )
            self._host.tell_death(payload, error)


def _say(outcome: str, fields: dict[str, Any]) -> None:
    """Log a line about a job; a log that fails must not change what becomes of the job."""
    try:
        logger.info(outcome, extra={"kiq_fields": fields})
    except Exception as problem:  # noqa: BLE001
        _whisper(f"logging {outcome!r}", problem)


def _brief(value: Any) -> Any:
    """Return *value* for a log line: whoever pushed it may have made it a megabyte long."""
    text = str(value)
    return value if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _whisper(what: str, problem: BaseException) -> None:
    """Say by stderr that *what* failed, where the log itself may be what is broken."""
    sys.stderr.write(f"kiq: {what} failed: {problem!r}\n")


def _perform(run: Any) -> Any:
    run.performed = True
    job, payload = run.job, run.payload
    if job is None or "kwargs" in payload:
        return begin_job(run.spec, run)
    job._kiq_context = run
    return job.perform(*payload["args"])


def _no_hook(_name: str) -> None:
    return None


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
        case GiveUp(why=why):
            return Dropped(why, failed=True)
