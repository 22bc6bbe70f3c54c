"""The executor: one taken job in, its verdict out."""

from __future__ import annotations

import logging
import random
from contextvars import Context
from functools import partial
from typing import Any

from .. import children
from ..clock import steady, wall
from ..codec import decode
from ..config import Config
from ..context import running
from ..errors import Cancelled, ConfigError, UndecodablePayload
from ..inline import begin_job
from ..jid import new_jid
from ..middleware import Next, ServerContext, fold_by_class
from ..plugin import Host
from ..raised import is_a
from ..registry import Registry
from ..undone import PLAIN, check_done, untouched
from ..verdict import CANCELLED, DONE, Dropped, Taken, ToDead, Verdict
from ..worker_state import WorkerState
from .failing import Failures, outcome_of, whisper
from .handover import Handover
from .retry import RetryPolicy
from .run import Run, run_of, with_enclosed

logger = logging.getLogger("kiq.job")

#: A suspicion of this level means: it was running at three crashes. It does not get a fourth.
CONVICTED = 3
_A_LAYER = "a layer of server middleware"


class Executor:
    """Turns a taken job into a verdict. Never touches Redis, and lets nothing out but a verdict.

    Threads: safe to share; each run keeps its state in locals, and in a context of its own, so that
    context variables don't leak from one job to the next.
    """

    def __init__(
        self, config: Config, host: Host, registry: Registry, state: WorkerState | None = None
    ) -> None:
        """*state* is that of the worker whose jobs these are."""
        self._state = state = state or WorkerState()
        self._cancelled = state.cancelled
        self._host = host
        self._registry = registry
        policy = RetryPolicy(config.max_retries, random.random, config.writes_seconds)
        self.failures = Failures(host, policy)
        #: Runs a job in its layers. It says first what runs: a Python call less than doing it here.
        layers = host.server_middleware.for_worker(state)
        self._run = fold_by_class(layers, _perform, running.set)
        make = host.async_runner
        self._coroutines = make(config, registry, state) if make is not None else None
        if self._coroutines is not None:
            awaited = _finished(self._coroutines.awaiting(_perform))
            self._run_async = fold_by_class(layers, awaited, running.set)
        #: What processors call: this itself, unless there are layers of attempts.
        self.entry = self._layered if host.attempt_layers else self
        self._job_lines = host.job_lines
        self._logs_jobs = not config.skip_default_job_logging
        self._logged_attributes = config.logged_job_attributes

    def __call__(self, taken: Taken, handover: Handover | None = None) -> Verdict | None:
        """Run the job in *taken*. None: it goes on, and its verdict will be delivered by *handover*."""
        try:
            payload, codec = decode(taken.raw)
        except UndecodablePayload as error:
            self._host.report(error, {"queue": taken.flight.queue, "bytes": len(taken.raw)})
            return ToDead(taken.raw, wall(), str(error), ran=False)
        if taken.suspicion >= CONVICTED:
            return self.failures.convict(taken, payload, codec)
        run: Run | None = None
        try:
            if "jid" not in payload:
                payload["jid"] = new_jid()
            if self._cancelled and self._state.was_cancelled(payload):
                return self._skipped(payload, CANCELLED)
            spec = self._registry.get(payload["class"])
            run = run_of(taken, payload, spec, self._state)
            if run.spec.is_async:
                return self._hand_over(taken, run, handover)
            # An empty context for each run: 0.3 µs, and nothing leaks into the next job.
            if self._logs_jobs and logger.isEnabledFor(logging.INFO):
                result = Context().run(self._logged, run, self._run)
            else:
                result = Context().run(self._run, run)
            run.job = None  # it refers to the run: both would wait for the garbage collector
            if result is not None and type(result) not in PLAIN:
                check_done(result, _A_LAYER)
            verdict = DONE if run.performed else self._skipped(payload, run.skipped)
            return verdict if run.enclosed is None else with_enclosed(verdict, run)
        except BaseException as error:  # noqa: BLE001 (SystemExit and all: a bad job harms only itself)
            return self._failed(taken, payload, run, error)

    def _layered(self, taken: Taken, handover: Handover | None = None) -> Verdict | None:
        """The same, within the layers of attempts; an async job has them on its loop."""
        try:
            payload = decode(taken.raw)[0]
        except UndecodablePayload:
            return self(taken, handover)
        spec = self._registry.find(payload["class"])
        if taken.suspicion >= CONVICTED or (spec is not None and spec.is_async):
            return self(taken, handover)
        call: Any = partial(self, taken, handover)
        return self._host.attempt(payload, taken.flight.queue, call)

    def _hand_over(self, taken: Taken, run: Run, handover: Handover | None) -> Verdict | None:
        """Leave *run* to the event loop: it calls ``attempt`` in a context of its own."""
        if self._coroutines is None or handover is None:
            raise ConfigError(
                f"{run.spec.name} is async, and this process has no event loop for it: "
                "it was registered after the start, or the plugin asyncio_jobs is disabled"
            )

        def attempt() -> Verdict:
            try:
                # Again: it may have waited for a loop that was blocked.
                if self._state.was_cancelled(run.payload):
                    return self._skipped(run.payload, CANCELLED)
                observed = self._logs_jobs and logger.isEnabledFor(logging.INFO)
                layers = self._run_async
                result = self._logged(run, layers) if observed else layers(run)
                run.job = None
                check_done(result, _A_LAYER)
                done = DONE if run.performed else self._skipped(run.payload, run.skipped)
                return done if run.enclosed is None else with_enclosed(done, run)
            except BaseException as error:  # noqa: BLE001 (as above)
                children.end_here(error)
                failed = partial(self._failed, taken, run.payload, run, error)
                verdict: Verdict = run.task.beside(failed)  # users' handlers and hooks may block
                return verdict

        layered = partial(self._host.attempt, run.payload, run.queue, attempt)
        call = layered if self._host.attempt_layers else attempt
        return self._coroutines.take(taken, run, call, handover)

    def _logged(self, run: Run, layers: Next[ServerContext]) -> Any:
        running.set(run)
        wanted = self._logged_attributes
        attributes = {name: run.payload[name] for name in wanted if name in run.payload}
        lines = self._job_lines
        told = lines.start(run) if lines is not None and not attributes else None
        if told is None:
            _say("start", attributes)
        began = steady()
        outcome = "fail"
        try:
            result = layers(run)
            outcome = "done"
            return result
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            elapsed = round(steady() - began, 3)
            if told is None or lines is None or not lines.end(told, outcome, elapsed):
                _say(outcome, {**attributes, "elapsed": elapsed})

    def _skipped(self, payload: dict[str, Any], why: str) -> Verdict:
        if children.present:
            children.end()
        _say(f"skipped: {why}", {"jid": str(payload.get("jid")), "class": payload.get("class")})
        return Dropped(why)

    def _failed(
        self, taken: Taken, payload: dict[str, Any], run: Run | None, error: BaseException
    ) -> Verdict:
        if children.present:
            children.end(error)
        if run is not None:
            run.job = None  # as above
        if is_a(error, Cancelled) or self._state.was_cancelled(payload):
            return with_enclosed(self._skipped(payload, CANCELLED), run)
        hook = run.spec.hook if run is not None else _no_hook
        ran = _ran(run, error)
        verdict = self.failures.verdict(taken, payload.get("jid"), error, hook, ran=ran)
        return with_enclosed(verdict, run)


def _say(outcome: str, fields: dict[str, Any]) -> None:
    """Log a line about a job; a log that fails must not change what becomes of the job."""
    try:
        logger.info(outcome, extra={"kiq_fields": fields})
    except Exception as problem:  # noqa: BLE001
        whisper(f"logging {outcome!r}", problem)


def _perform(run: Any) -> Any:
    run.performed = True
    job, payload = run.job, run.payload
    try:
        if not run.spec.settable or "kwargs" in payload:
            result = begin_job(run.spec, run)
        else:
            job._kiq_context = run
            result = job.perform(*payload["args"])
    except BaseException as error:
        if children.present:
            children.end(error)
        raise
    if children.present and not run.spec.is_async:
        children.end()
    if result is not None and type(result) not in PLAIN and not run.spec.is_async:
        return _checked(run, result)
    return result


def _checked(run: Run, result: Any) -> Any:
    run.performed = not untouched(result)
    return check_done(result, run.spec.label)


def _finished(awaited: Next[ServerContext]) -> Next[ServerContext]:
    """Return what calls *awaited*, and refuses to take work that is still to be done for a result."""

    def call(run: Any) -> Any:
        try:
            result = awaited(run)
        except BaseException as error:
            if children.present:
                children.end(error)
            raise
        if children.present:
            children.end()
        return _checked(run, result)

    return call


def _ran(run: Run | None, error: BaseException) -> bool:
    """Tell whether ``perform`` was reached: arguments that don't fit its signature don't get there."""
    if run is None or not run.performed:
        return False
    payload = run.payload
    try:
        if is_a(error, TypeError):
            run.spec.arity.check("", payload["args"], payload.get("kwargs") or {})
    except Exception:  # noqa: BLE001 (it is not said for what: the job has failed already)
        return False
    return True


def _no_hook(_name: str) -> None:
    return None
