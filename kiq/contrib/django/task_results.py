"""What became of a Django task, of what kiq knows of its job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.base import TaskError

from ...api import JobAttempt, attempts, find
from ...errors import PayloadError, ResultError
from ...plugins.results import Outcome, result
from .task_jobs import enqueued_at, moment, path_of, task_of

_FAILED = ("retried", "dead", "dropped", "lost")
_STATUS = {
    "running": TaskResultStatus.RUNNING,
    "done": TaskResultStatus.SUCCESSFUL,
    **dict.fromkeys(("dead", "discarded", "deleted"), TaskResultStatus.FAILED),
    **dict.fromkeys(("waiting", "scheduled", "retrying"), TaskResultStatus.READY),
}


def found(jid: str, alias: str) -> Any:
    """Return the result of the task *jid*, or why there is none, in words."""
    try:
        known = result(jid).look()
    except PayloadError as error:
        return str(error)
    status = _STATUS.get(known.status)
    if status is None:
        return known.why or f"it is {known.status}"
    payload: Mapping[str, Any] = {}
    value = None
    since, worker = None, ""
    if known.status == "done" and known.outcome is not None:
        try:
            kept = known.outcome.value
        except ResultError as error:
            return str(error)
        if not isinstance(kept, dict) or "value" not in kept:
            return "it is no task of Django"
        payload, value = kept, kept["value"]
    else:
        place = find(jid)
        if place.record is not None:
            payload = place.record.payload
            since, worker = place.since, place.process
        elif known.outcome is not None:
            payload = {"class": known.outcome.job_class}
    task = task_of(payload)
    if task is None:
        return f"no task named {str(payload.get('class'))[:200]!r} is known here: import its module"
    made = _made(jid, alias, task, status, payload, known.outcome)
    _add_attempts(made, attempts(jid), payload, known.outcome)
    if status == TaskResultStatus.RUNNING:
        _add_running(made, since, worker)
    object.__setattr__(made, "_return_value", value)
    return made


def _made(
    jid: str,
    alias: str,
    task: Any,
    status: Any,
    payload: Mapping[str, Any],
    outcome: Outcome | None,
) -> Any:
    return TaskResult(
        task=task,
        id=jid,
        status=status,
        enqueued_at=enqueued_at(payload),
        started_at=None,
        last_attempted_at=None,
        finished_at=moment(outcome.ended_at) if outcome is not None else None,
        args=list(payload.get("args", ())),
        kwargs=dict(payload.get("kwargs") or {}),
        backend=alias,
        errors=[],
        worker_ids=[],
    )


def _add_attempts(
    made: Any, tried: list[JobAttempt], payload: Mapping[str, Any], outcome: Outcome | None
) -> None:
    """Fill in when it was tried, where, and how that failed."""
    ran = [each for each in tried if each.ran is not None]
    if ran:
        object.__setattr__(made, "started_at", moment(ran[0].at))
        object.__setattr__(made, "last_attempted_at", moment(ran[-1].at))
    made.worker_ids.extend(each.process for each in ran)
    made.errors.extend(
        TaskError(
            exception_class_path=path_of(each.said.partition(":")[0]), traceback=f"{each.said}\n"
        )
        for each in tried
        if each.word in _FAILED and each.said
    )
    last = _last_error(payload, outcome)
    if last is not None:
        made.errors[-1:] = [last]


def _last_error(payload: Mapping[str, Any], outcome: Outcome | None) -> Any:
    if outcome is not None and outcome.error_class:
        kind, words, lines = outcome.error_class, outcome.error_message, outcome.backtrace
    elif payload.get("error_class"):
        kind, words, lines = payload["error_class"], payload.get("error_message", ""), ""
    else:
        return None
    head = f"Traceback (most recent call last):\n{lines.rstrip()}\n" if lines else ""
    return TaskError(exception_class_path=path_of(kind), traceback=f"{head}{kind}: {words}\n")


def _add_running(made: Any, since: float | None, worker: str) -> None:
    at = moment(since) if since is not None else None
    object.__setattr__(made, "last_attempted_at", at)
    if made.started_at is None:
        object.__setattr__(made, "started_at", at)
    made.worker_ids.append(worker)
