"""The jobs of the demonstration. The worker imports this module, and so does ``demo/push.py``."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from typing import Any

import redis

import kiq
from kiq import embedded

#: What :func:`measure` has seen, as JSON; kept here so that measuring costs no round trip.
_seen: list[str] = []


class HardWorker(kiq.Job, queue="critical", retry=5):
    """The job that every tutorial begins with."""

    def perform(self, name: str, count: int) -> None:
        print(f"Doing hard work for {name} {count} times!", flush=True)


class Ping(kiq.Job, queue="critical"):
    """Does nothing: pushed one at a time, it shows how soon an idle worker starts a job."""

    def perform(self) -> None:
        pass


class Thumbnail(kiq.Job, queue="default"):
    """A fast job: a fraction of a millisecond."""

    def perform(self, picture: int) -> None:
        hashlib.sha256(b"%d" % picture).hexdigest()


class Report(kiq.Job, queue="low"):
    """A slow job: it waits, as for a database."""

    def perform(self, seconds: float) -> None:
        time.sleep(seconds)


class Reminder(kiq.Job):
    """A job that is scheduled for later."""

    def perform(self, text: str) -> None:
        pass


class Payment(kiq.Job, queue="critical"):
    """Fails at its first attempt, and succeeds at the second."""

    def perform(self, order: int) -> None:
        if self.attempt == 1:
            raise kiq.Retry(1, f"the bank did not answer about order {order}")


class Import(kiq.Job, queue="low", retry=0):
    """Fails for good: without a retry left it goes to the dead set, where it can be looked at."""

    def perform(self, file: str) -> None:
        raise ValueError(f"{file} is no spreadsheet")


@functools.cache
def store() -> redis.Redis:
    """The Redis of the demonstration, for what it keeps there itself, under ``demo:``."""
    url = os.environ["REDIS_URL"]
    return redis.Redis.from_url(embedded.ensure(url).url if embedded.is_embedded(url) else url)


@kiq.host.around_push
def stamp(context: kiq.ClientContext, call_next: Any) -> Any:
    """Note in the payload from when on the job may start; promotion passes here again."""
    context.payload.setdefault("wanted_at", context.payload.get("at", time.time()))
    return call_next(context)


@kiq.host.around_perform
def measure(context: kiq.ServerContext, call_next: Any) -> Any:
    """Note for each attempt how it ended; for the first also how long it had waited."""
    started_at = time.time()
    first = "retry_count" not in context.payload
    waited = started_at - context.payload["wanted_at"] if first else None
    outcome = "failed"
    try:
        result = call_next(context)
        outcome = "done"
        return result
    finally:
        kind = context.payload["class"].rpartition(".")[2]
        _seen.append(json.dumps([kind, outcome, waited, started_at, time.time()]))


@kiq.host.on("exit")
def hand_over() -> None:
    """Put what was measured where ``demo/run.py`` reads it."""
    if _seen:
        store().rpush("demo:seen", *_seen)
