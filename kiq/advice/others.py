"""What to write here for what Celery, RQ, Dramatiq, Huey, APScheduler and others call something else."""

from __future__ import annotations

from collections.abc import Iterable

_PUSH = "perform_async(...)"
_LATER = "perform_async(...) or perform_in(seconds, ...)"
_ARGS = "args(...), the arguments of one job, for perform_bulk, kiq.Batch and callbacks"
_INLINE = "perform_inline(...)"

#: Of a job class or function job: what stands behind its name.
_METHODS = {
    "delay": _PUSH,
    "apply_async": _LATER,
    "apply": _INLINE,
    "s": _ARGS,
    "si": _ARGS,
    "signature": _ARGS,
    "subtask": _ARGS,
    "chunks": "perform_bulk([[1], [2], ...])",
    "starmap": "perform_bulk([[1], [2], ...])",
    "enqueue": _PUSH,
    "enqueue_in": "perform_in(seconds, ...)",
    "enqueue_at": "perform_at(when, ...)",
    "enqueue_call": _LATER,
    "enqueue_job": _PUSH,
    "perform_later": _PUSH,
    "send": _PUSH,
    "send_with_options": "set(queue=...).perform_async(...) or perform_in(seconds, ...)",
    "message": _ARGS,
    "message_with_options": _ARGS,
    "schedule": "perform_in(seconds, ...) or perform_at(when, ...)",
    "call_local": _INLINE,
    "kiq": _PUSH,
    "kicker": "set(queue=...)",
}
#: What stands alone.
_SENTENCES = {
    "retry": "raise kiq.Retry(seconds) in the job, or kiq.Snooze(seconds), which counts no attempt",
    "request": "self.jid, self.attempt, or kiq.current_job()",
    "update_state": "self.progress(done, total, note), or kiq.progress",
    "AsyncResult": "kiq.result(jid)",
    "revoke": "kiq.cancel(jid)",
    "restore": "kiq.api.Queue(name).unpause(), for a queue that was paused",
    "add_job": "@kiq.periodic(cron=...), or kiq.api.PeriodicSet().add(...) while it runs",
}
_RETRY_IN = (
    "the method retry_in(self, count, error, payload), which returns seconds (docs/retries.md)"
)
_RETRY = "retry=5, the attempts after the first"
_RESULT = "result_ttl=3600, for how long a result is kept; none by default (docs/results.md)"
_BATCH = "kiq.Batch, whose callbacks run when its jobs have ended (docs/batches.md)"
_LATE = "nothing: a job is acknowledged when it has ended, always (docs/reliability.md)"
_IN = "perform_in(seconds, ...)"
_AT = "perform_at(when, ...)"
_LIMIT = "limit=kiq.limits.window(name, size, per) (docs/limits.md)"
_TIME = "time_limit=60, which raises kiq.TimeLimitExceeded in the job (docs/time-limits.md)"
_WHICH = "retry_in, which returns kiq.Kill for errors that are not to be tried again"
_JID = 'kiq.push({"class": ..., "args": [...], "jid": ...}); a jid is made for each job'
_UNIQUE = "unique=kiq.Unique() (docs/unique.md)"
_EXPIRES = "expires_in=60 (docs/expiry.md)"

#: Of options: of classes, of one push, of a call.
_OPTIONS = {
    "countdown": _IN,
    "eta": _AT,
    "expires": _EXPIRES,
    "max_retries": _RETRY,
    "default_retry_delay": _RETRY_IN,
    "autoretry_for": f"nothing: every error is tried again, {_RETRY}; {_WHICH}",
    "dont_autoretry_for": _WHICH,
    "retry_kwargs": _RETRY,
    "retry_backoff": f"nothing: the delay grows by itself; or {_RETRY_IN}",
    "retry_backoff_max": _RETRY_IN,
    "retry_jitter": "nothing: delays have some",
    "ignore_result": "nothing: a job keeps no result unless it has a result_ttl (docs/results.md)",
    "store_results": _RESULT,
    "rate_limit": _LIMIT,
    "soft_time_limit": _TIME,
    "acks_late": _LATE,
    "reject_on_worker_lost": _LATE,
    "track_started": "nothing: kiq.result(jid).status knows",
    "bind": "nothing: derive from kiq.Job, and perform has self; in a function kiq.current_job()",
    "task_id": _JID,
    "routing_key": "queue=",
    "exchange": "queue=",
    "serializer": "nothing: the setting codec is for all (docs/arguments.md)",
    "link": _BATCH,
    "link_error": _BATCH,
    "chord": _BATCH,
    "job_timeout": _TIME,
    "timeout": _TIME,
    "failure_ttl": "the settings dead_max_jobs and dead_timeout, for the dead set as a whole",
    "ttl": _EXPIRES,
    "depends_on": _BATCH,
    "at_front": 'priority="high" (docs/priorities.md)',
    "job_id": _JID,
    "on_success": _BATCH,
    "on_failure": "the method retries_exhausted(self, payload, error), or kiq.host.on_death",
    "on_stopped": "an except kiq.Cancelled in the job (docs/cancelling.md)",
    "meta": "tags=[...], or kiq.progress from within the job",
    "description": "tags=[...]",
    "actor_name": "name=",
    "queue_name": "queue=",
    "min_backoff": _RETRY_IN,
    "max_backoff": _RETRY_IN,
    "max_age": _EXPIRES,
    "throws": _WHICH,
    "retry_when": _WHICH,
    "retries": _RETRY,
    "retry_delay": _RETRY_IN,
    "attempts": _RETRY,
    "delay": _IN,
    "context": "nothing: self.jid, self.attempt, or kiq.current_job()",
    "pipe_target": _BATCH,
    "trigger": "@kiq.periodic(cron=...) or every=... (docs/periodic.md)",
    "misfire_grace_time": "within=, an option of kiq.periodic",
    "coalesce": 'missed="once", an option of kiq.periodic',
    "max_instances": f'overlap="skip", an option of kiq.periodic; or {_UNIQUE}',
    "run_date": _AT,
    "run_at": _AT,
    "wait": _IN,
    "wait_until": _AT,
    "_defer_by": _IN,
    "_defer_until": _AT,
    "_job_id": _UNIQUE,
    "_queue_name": "set(queue=...)",
    "lock": _UNIQUE,
    "unique_for": _UNIQUE,
    "lock_ttl": _UNIQUE,
}
_CELERY = "kiq.contrib.celery has Celery's own form"
#: Of the package: ``kiq.task``.
_NAMES = {
    "task": "@kiq.job above a function, or class X(kiq.Job)",
    "shared_task": f"@kiq.job above a function; {_CELERY}",
    "actor": "@kiq.job above a function, or class X(kiq.Job)",
    "db_task": "@kiq.job above a function",
    "periodic_task": "@kiq.periodic(cron=...) above @kiq.job",
    "crontab": '@kiq.periodic("0 7 * * mon") (docs/periodic.md)',
    "Task": f"class X(kiq.Job); {_CELERY}",
    "Celery": "no application object: kiq.configure, and `kiq -r app.jobs` for a worker",
    "Worker": "`kiq -r app.jobs`, or kiq.embed",
    "Queue": "kiq.api.Queue",
    "chain": f"the job that pushes the next one, or {_BATCH}",
    "group": _BATCH,
    "chord": _BATCH,
    "pipeline": f"the job that pushes the next one, or {_BATCH}",
    "AsyncResult": "kiq.result(jid)",
    "enqueue": f"SomeJob.{_PUSH}",
    "send_task": 'kiq.push({"class": "app.jobs.Some", "args": [...]})',
    "add_job": "@kiq.periodic(cron=...), or kiq.api.PeriodicSet().add(...) while it runs",
    "get_current_job": "kiq.current_job()",
    "revoke": "kiq.cancel(jid)",
    "Scheduler": "nothing: every worker can schedule, and one of them does (docs/periodic.md)",
    "BlockingScheduler": "nothing: every worker can schedule, and one of them does (docs/periodic.md)",
    "BackgroundScheduler": "nothing: every worker can schedule, and one of them does (docs/periodic.md)",
    "set_broker": 'kiq.configure(redis="redis://...")',
}


def of_method(name: str, instance: object, owner: type) -> str:
    """Return what to say to who looks for *name* at a job class, a function job, or a push of these."""
    spec = getattr(getattr(instance, "_calls", None), "spec", None)
    job = getattr(instance, "__name__", None) or getattr(spec, "name", owner.__name__)
    if name in _SENTENCES:
        return f"{job} has no {name}; write {_SENTENCES[name]}"
    return f"{job} has no {name}(); write {job}.{_METHODS[name]}"


def of_option(name: str) -> str:
    """Return a clause about the option *name* of another system; "" where none is called so."""
    return f"; here it is {_OPTIONS[name]}" if name in _OPTIONS else ""


def of_arguments(names: Iterable[str]) -> str:
    """Return a clause about arguments that ``perform`` does not take, and that look like options."""
    known = sorted(name for name in names if name in _OPTIONS)
    said = "; ".join(f"for {name} write {_OPTIONS[name]}" for name in known)
    return f" (options are no arguments: {said})" if said else ""


def of_module(name: str) -> str:
    """Return a clause about the *name* of another system's package; "" where none is called so."""
    return f"; here it is {_NAMES[name]}" if name in _NAMES else ""
