"""Options of a class, of a function, and of one push."""

from __future__ import annotations

from datetime import timedelta

import kiq


class Plain(kiq.Job, queue="low", retry=True, retry_for=timedelta(hours=1), tags=["a"]):
    def perform(self) -> None: ...


class Full(
    kiq.Job,
    name="Full",
    aliases=("Old",),
    queue="low",
    retry=0,
    retry_for=3600.0,
    retry_queue="slow",
    dead=False,
    backtrace=20,
    tags=("a", "b"),
    log_level="debug",
    time_limit=30,
):
    def perform(self) -> None: ...


@kiq.job(
    name="function", retry=False, retry_queue=None, backtrace=True, time_limit=timedelta(hours=1)
)
def function() -> None: ...


Plain.set(retry_queue=None, tags=("a",), dead=False, retry_for=60.0, backtrace=3).perform_async()
Plain.set(log_level="debug").set(time_limit=5.5).perform_in(5)
function.set(queue="low", retry=3, tags=[], profile="token").perform_async()
