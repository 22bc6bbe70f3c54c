"""The backend of ``django.tasks``, beside Django's own tests (tests/django_tasks): what is kiq's in it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import pytest
import redis
from django.db import transaction
from django.test.utils import override_settings

import kiq
from kiq.api import Queue, RetrySet, find
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("django", "greenlet")
BACKEND = "kiq.contrib.django.tasks.TaskBackend"
TASKS = {"default": {"BACKEND": BACKEND, "QUEUES": []}}


@pytest.mark.skipif(django.VERSION >= (6, 0), reason="of Django before 6.0")
def test_an_older_django_is_told_what_it_needs() -> None:
    with pytest.raises(kiq.ConfigError, match=r"needs Django 6\.0 or newer"):
        importlib.import_module("kiq.contrib.django.tasks")


if django.VERSION >= (6, 0):  # what it declares is there before tests look at what stays behind
    importlib.import_module("kiq.contrib.django.tasks")


@pytest.fixture
def tasks(kiq_client: kiq.Client) -> Iterator[Any]:
    """The tasks of the tests, on kiq's backend."""
    if django.VERSION < (6, 0):
        pytest.skip("of Django 6.0 and later")
    with override_settings(TASKS=TASKS, INSTALLED_APPS=["kiq.contrib.django"]):
        made = importlib.import_module("tests.helpers.django_tasked")
        made.done.clear()
        yield made


def run() -> None:
    """Run all that is due."""
    with kiq.embed(concurrency=1, queues=["default", "mailers"]):
        eventually(lambda: not any(queue.size for queue in Queue.all()))


def ended(result: Any) -> Any:
    with kiq.embed(concurrency=1, queues=["default", "mailers"]):
        eventually(lambda: kiq.result(result.id).ready(), 20)
    result.refresh()
    return result


def test_a_task_is_a_job_of_its_path_queue_and_band(tasks: Any, raw: redis.Redis) -> None:
    result = tasks.welcome.enqueue(7, loud=True)
    (job,) = Queue("mailers")
    assert (job.payload["class"], job.args, job.band) == (
        "tests.helpers.django_tasked.welcome",
        [7],
        "high",
    )
    assert result.refresh() is None
    assert (result.status, result.worker_ids, result.started_at) == ("READY", [], None)
    ended(result)
    assert tasks.done == [(7, True)]
    assert (result.status, result.return_value) == ("SUCCESSFUL", {"user": 7})
    assert (result.args, result.kwargs) == ([7], {"loud": True})
    assert result.task == tasks.welcome
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert len(result.worker_ids) == result.attempts == 1


def test_what_is_due_later_is_scheduled(tasks: Any, raw: redis.Redis) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    result = tasks.welcome.using(run_after=at, priority=-5).enqueue(7)
    ((_, due),) = raw.zrange("schedule", 0, -1, withscores=True)
    assert abs(due - at.timestamp()) < 0.001
    found = tasks.welcome.get_result(result.id)
    assert found.status == "READY"
    assert (found.task.run_after, found.task.priority) == (at, -5)


def test_async_tasks_and_async_callers(tasks: Any) -> None:
    async def caller() -> Any:
        return await tasks.later.aenqueue(41)

    assert ended(asyncio.run(caller())).return_value == 42


def test_a_task_that_fails_is_tried_again_and_ready_until_then(
    tasks: Any, raw: redis.Redis
) -> None:
    result = tasks.fails_at_first.enqueue()
    run()
    eventually(lambda: raw.zcard("retry") == 1)
    result.refresh()
    assert (result.status, result.attempts) == ("READY", 1)
    assert [each.exception_class for each in result.errors] == [ValueError]
    assert result.errors[0].traceback.endswith("ValueError: not yet\n")
    for member in raw.zrange("retry", 0, -1):
        raw.zadd("retry", {member: 1})
    assert ended(result).return_value == 2
    assert result.attempts == 2
    assert [each.exception_class for each in result.errors] == [ValueError]


def test_django_hears_of_a_failure_when_it_is_given_up(tasks: Any, raw: redis.Redis) -> None:
    heard: list[Any] = []

    def listen(sender: Any, task_result: Any, **_: Any) -> None:
        heard.append((task_result.id, str(task_result.status)))

    signals = importlib.import_module("django.tasks.signals")
    signals.task_finished.connect(listen)
    try:
        result = tasks.fails.enqueue()
        run()
        eventually(lambda: raw.zcard("retry") == 1)
        assert heard == []
        (entry,) = RetrySet()
        entry.kill()
    finally:
        signals.task_finished.disconnect(listen)
    result.refresh()
    assert (result.status, result.is_finished) == ("FAILED", True)
    assert result.errors[-1].exception_class is LookupError


def test_it_waits_for_a_transaction_where_pushes_do(tasks: Any, raw: redis.Redis) -> None:
    kiq.after_commit.always(using="default")
    with transaction.atomic():
        result = tasks.welcome.enqueue(7)
        assert result.id
        assert Queue("mailers").size == 0
    assert Queue("mailers").size == 1
    assert find(result.id)


def test_what_is_no_task_has_no_result(tasks: Any, kiq_client: kiq.Client) -> None:
    missing: Any = importlib.import_module("django.tasks.exceptions").TaskResultDoesNotExist
    jid = kiq_client.push({"class": "Other", "args": [], "queue": "other"})
    for given, words in (
        (jid, "no task named 'Other'"),
        ("123", "nowhere|unknown|nothing"),
        (7, "7"),
    ):
        with pytest.raises(missing, match=words):
            tasks.welcome.get_backend().get_result(given)


def test_mistakes_of_the_settings_are_told(tasks: Any) -> None:
    made: Any = importlib.import_module("kiq.contrib.django.tasks").TaskBackend
    with pytest.raises(Exception, match="there is no option 'retries'; there are retry"):
        made("default", {"OPTIONS": {"retries": 3}})
    assert list(made("default", {}).check()) == []
    with override_settings(INSTALLED_APPS=[]):
        (error,) = made("default", {}).check()
    assert error.id == "kiq.E001"
