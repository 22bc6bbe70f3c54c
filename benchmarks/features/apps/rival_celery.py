"""The tasks of Celery in the tests of features: BENCH_ADDON says what makes them unique, BENCH_LATE
that they are acknowledged when they end, and sent again 20 s after their worker died."""

from __future__ import annotations

import os
from datetime import timedelta

from celery import Celery, chord
from celery_once import AlreadyQueued, QueueOnce
from celery_singleton import DuplicateTaskError, Singleton
from notes import note, work

_URL = os.environ["REDIS_URL"]
_PERIOD = float(os.environ.get("BENCH_PERIOD", "2"))
_AGAIN_AFTER = 20  # seconds; Celery's own default is an hour

app = Celery("rival_celery", broker=_URL, backend=_URL)
app.conf.broker_connection_retry_on_startup = True
app.conf.ONCE = {
    "backend": "celery_once.backends.Redis",
    "settings": {"url": _URL, "default_timeout": 3600},  # its default
}
if os.environ.get("BENCH_LATE"):
    app.conf.update(
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        task_reject_on_worker_lost=True,
        broker_transport_options={"visibility_timeout": _AGAIN_AFTER},
        result_backend_transport_options={"visibility_timeout": _AGAIN_AFTER},
    )
app.conf.beat_schedule = {"tick": {"task": "tick", "schedule": timedelta(seconds=_PERIOD)}}
app.conf.redbeat_redis_url = _URL
if lock := os.environ.get("BENCH_LOCK"):
    # Its own default is a lock of 25 minutes: five times the longest sleep, of 300 s.
    app.conf.update(beat_max_loop_interval=2, redbeat_lock_timeout=int(lock))


@app.task(name="singleton", base=Singleton, unique_on=["key"], raise_on_duplicate=True)
def singleton(key: str, ident: str) -> None:
    """Work, as the only one of this key."""
    work(key, ident)


@app.task(name="once", base=QueueOnce, once={"keys": ["key"]})
def once(key: str, ident: str) -> None:
    """Work, as the only one of this key."""
    work(key, ident)


@app.task(name="tick")
def tick() -> None:
    """Note that it ran; it is not told for which tick."""
    note("tick", "-")


@app.task(name="call", rate_limit="25/s")
def call(key: str, ident: str) -> None:
    """Call the API: with four workers, 100 times a second."""
    work(key, ident)


def push(key: str, ident: str) -> bool:
    """Send a task, and tell whether there was none."""
    if os.environ["BENCH_ADDON"] == "rate":
        call.delay(key, ident)
        return True
    task = once if os.environ["BENCH_ADDON"] == "once" else singleton
    try:
        task.apply_async(kwargs={"key": key, "ident": ident})
    except (AlreadyQueued, DuplicateTaskError):
        return False
    return True


@app.task(name="member")
def member(key: str, ident: str) -> None:
    """Work, as one of a batch."""
    work(key, ident)


@app.task(name="called")
def called(_results: object, key: str) -> None:
    """Be the callback of the batch *key*."""
    note("called", key)


def push_batch(key: str, idents: list[str]) -> None:
    """Send a chord."""
    chord(member.si(key, ident) for ident in idents)(called.s(key))
