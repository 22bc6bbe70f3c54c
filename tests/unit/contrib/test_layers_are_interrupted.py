"""Code of a job that a layer calls is a job's own code: a time limit, a cancel, a stop reach it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from kiq.contrib import celery, delayed, resque
from kiq.contrib.celery import current
from kiq.good_moment import patience_with
from kiq.registry import Registry

#: What the job says, and what it waits for.
inside = threading.Event()
looked_at: list[float] = []


def body() -> None:
    inside.set()
    while not looked_at:
        pass


class Plain:
    queue = "default"

    @staticmethod
    def perform() -> None:
        body()


def by_resque() -> None:
    resque.job_classes.job_of(Plain).perform_inline()


@delayed.delayable
def plain() -> None:
    body()


def by_delayed_job() -> None:
    delayed.worker.delay_jobs = False
    delayed.delay(plain)()
    delayed.worker.reset()


def by_celery() -> None:
    task: Any = celery.shared_task(name="interrupted.task")(body)
    task.apply()


@pytest.mark.parametrize("run", [by_resque, by_celery, by_delayed_job])
def test_the_code_of_a_job_behind_a_layer_waits_for_nothing(
    run: Callable[[], None], fresh_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "apps", [])
    monkeypatch.setattr(current, "shared", {})
    inside.clear()
    looked_at.clear()
    ident = threading.get_ident()

    def look() -> None:
        inside.wait(30)
        looked_at.append(patience_with(ident))

    thread = threading.Thread(target=look)
    thread.start()
    run()
    thread.join()
    assert looked_at == [0.0]
