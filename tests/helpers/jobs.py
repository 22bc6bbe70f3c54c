"""Job classes that worker processes of the tests run; tests push them by name.

What they do is noted in a list in Redis, which the tests read. Nothing but a worker imports this.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import time
from typing import Any

import redis

import kiq
from tests.helpers.namespaced import store_of


@functools.cache
def store() -> redis.Redis:
    """The database of the test."""
    return store_of(os.environ["JOBS_REDIS_URL"])


def note(text: str) -> None:
    """Tell the test that something happened."""
    store().rpush("notes", text)


class Note(kiq.Job):
    """Notes its argument."""

    def perform(self, text: str) -> None:
        note(text)


class Measures(kiq.Job):
    """Notes how long its argument is."""

    def perform(self, text: str) -> None:
        note(f"length {len(text)}")


class Clocked(kiq.Job):
    """Notes when it started."""

    def perform(self, label: str) -> None:
        note(f"{label} at {time.time()}")


class Slow(kiq.Job):
    """Takes its time; notes which process ran it."""

    def perform(self, label: str, seconds: float) -> None:
        note(f"{label} in {os.getpid()} at {time.time()}")
        time.sleep(seconds)


class Hold(kiq.Job):
    """Runs until the test releases it."""

    def perform(self, label: str, seconds: float = 30.0) -> None:
        note(f"begin {label}")
        until = time.monotonic() + seconds
        while time.monotonic() < until and not store().exists(f"release:{label}"):
            time.sleep(0.01)
        note(f"end {label}")


class Stubborn(kiq.Job):
    """Sleeps in C code, where no exception reaches it."""

    def perform(self, label: str, seconds: float) -> None:
        note(f"begin {label}")
        time.sleep(seconds)
        note(f"end {label}")


class Fails(kiq.Job):
    """Fails so many times before it succeeds."""

    def perform(self, label: str, times: int = 1) -> None:
        note(f"attempt {self.attempt} {label}")
        if self.attempt <= times:
            raise ValueError(f"out of luck: {label}")
        note(f"done {label}")


class Asks(kiq.Job):
    """Asks for a fate of its own at the first attempt."""

    def perform(self, what: str) -> None:
        note(f"attempt {self.attempt} {what}")
        if store().incr(f"asked:{what}") > 1:
            return
        if what == "retry":
            raise kiq.Retry(0.05)
        if what == "snooze":
            raise kiq.Snooze(0.05)
        raise kiq.Kill("enough") if what == "kill" else kiq.Discard("never mind")


class Hooked(kiq.Job, retry=2):
    """Says by itself when it is tried again, and hears when no retry is left."""

    def perform(self, label: str) -> None:
        raise ValueError(label)

    def retry_in(self, count: int, error: BaseException, payload: dict[str, Any]) -> Any:
        note(f"retry_in {count} {error}")
        return 3600 if count == 0 else kiq.Kill if "kill" in str(error) else 7200

    def retries_exhausted(self, payload: dict[str, Any], error: BaseException) -> None:
        note(f"exhausted {payload['args'][0]} {error}")


class Forks(kiq.Job):
    """Forks a child, which dies of TERM by itself; notes how it ended."""

    def perform(self) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        note(f"child {child}")
        _, status = os.waitpid(child, 0)
        note(f"ended {os.waitstatus_to_exitcode(status)}")


class Dies(kiq.Job):
    """Kills its process."""

    def perform(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Talks(kiq.Job):
    """Logs through its own logger, and through one of the application."""

    def perform(self, secret: str) -> None:
        self.logger.debug("said in detail")
        self.logger.info("said by the job")
        logging.getLogger("app.mail").info("said by the application")
        print("Doing hard work for Bob 5 times!")


class Elsewhere(kiq.Job, queue="elsewhere"):
    """Has a queue that no test's worker takes by default."""

    def perform(self) -> None:
        note("elsewhere")


@kiq.host.on_death
def told_of_death(payload: dict[str, Any], error: BaseException) -> None:
    """Note that a job was given up."""
    note(f"death {payload['jid']} {type(error).__name__}")


@kiq.host.on_error
def told_of_error(error: BaseException, context: dict[str, Any]) -> None:
    """Note an error of a job."""
    if "jid" in context:
        note(f"error {context['jid']} {type(error).__name__}")
