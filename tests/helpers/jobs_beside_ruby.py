"""Function jobs that workers of kiq run beside a Ruby Sidekiq, which knows them by short names.

What they do is noted in a list in Redis, as tests/contract/ruby/app.rb does. Only workers import this.
"""

from __future__ import annotations

import functools
import json
import os
import time
from contextvars import ContextVar
from typing import Any

import redis

import kiq

tenant: ContextVar[str | None] = ContextVar("tenant", default=None)
number: ContextVar[int | None] = ContextVar("number", default=None)
kiq.carry(tenant, number)


@functools.cache
def store() -> redis.Redis:
    """The database of the test."""
    return redis.Redis.from_url(os.environ["JOBS_REDIS_URL"])


def note(text: str) -> None:
    """Tell the test that something happened."""
    store().rpush("notes", text)


@kiq.job(name="PyNote")
def py_note(text: str, options: dict[str, Any] | None = None) -> None:
    """Note the arguments, and what the job carries."""
    carried = {"tenant": tenant.get(), "number": number.get()}
    shown = {name: value for name, value in carried.items() if value is not None}
    note(f"{text} {json.dumps(options or {})} {json.dumps(shown)}")


@kiq.job(name="PyFails", retry=3, backtrace=2)
def py_fails(text: str) -> None:
    """Fail, until the test has mended it."""
    note(f"{text} runs")
    if not store().exists(f"mended:{text}"):
        raise ValueError(f"no: {text}")


@kiq.job(name="PyHold")
def py_hold(label: str) -> None:
    """Run until the test releases it."""
    note(f"{label} begins")
    while not store().exists(f"release:{label}"):
        time.sleep(0.02)
    note(f"{label} ends")


@kiq.job(name="PyPushes")
def py_pushes(job_class: str, queue: str, text: str) -> None:
    """Push a job of Ruby's."""
    kiq.push({"class": job_class, "queue": queue, "args": [text]})
