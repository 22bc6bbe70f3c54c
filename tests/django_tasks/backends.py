"""Kiq's backend in the place of those that Django's own tests are written for.

Imported by Django's test runner alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import redis

import kiq
from kiq.contrib.django.tasks import TaskBackend

kiq.configure(redis=os.environ["REDIS_URL"])


class DummyBackend(TaskBackend):
    """Nothing is run: no worker is there. What was enqueued is read from Redis."""

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        self._ids: list[str] = []

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        result = super().enqueue(task, args, kwargs)
        self._ids.append(result.id)
        return result

    @property
    def results(self) -> list[Any]:
        return [self.get_result(each) for each in self._ids]

    def clear(self) -> None:
        self._ids.clear()
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as store:
            store.flushdb()


class ImmediateBackend(TaskBackend):
    """A worker runs what is enqueued, and the result is read from Redis. Nothing is retried."""

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        self.job_options["retry"] = 0

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        result = super().enqueue(task, args, kwargs)
        with kiq.embed(concurrency=2):  # and none runs what is enqueued for the other backend
            kiq.result(result.id).wait(30)
        return self.get_result(result.id)
