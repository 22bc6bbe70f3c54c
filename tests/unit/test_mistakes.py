"""Mistakes that people bring from elsewhere: each gets an error that says what to write."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

import kiq
from kiq.elsewhere import METHODS
from kiq.importing import importing

#: The mistakes are type errors as well: what is untyped here lets them happen.
job_base: Any = kiq.Job
make_class: Any = type(kiq.Job)


class HardWorker(kiq.Job, name="mistakes.HardWorker"):
    def perform(self, name: str) -> None: ...


@kiq.job(name="mistakes.welcome")
def welcome(user_id: int) -> None: ...


def said_by(mistake: Callable[[], object], kind: type[Exception] = kiq.ConfigError) -> str:
    with pytest.raises(kind) as raised:
        mistake()
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("queue", "critical"), ("retry", False), ("backtrace", 5), ("dead", False), ("retry_for", 60)],
)
def test_options_as_class_attributes(name: str, value: object) -> None:
    words = said_by(lambda: make_class("Wrong", (kiq.Job,), {name: value}))
    assert words == (
        f"Wrong: options are class keywords: write `class Wrong(kiq.Job, {name}={value!r})` "
        f"instead of `{name} = {value!r}`"
    )


def test_an_attribute_that_is_no_option_is_nobodys_business(fresh_registry: object) -> None:
    class Fine(kiq.Job, name="mistakes.Fine"):
        page_size = 50

        def perform(self) -> int:
            return self.page_size

        @property
        def queue(self) -> str:
            return "a property of one's own"

    assert Fine.perform_inline() == 50


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_other_systems_on_a_class(method: str) -> None:
    words = said_by(lambda: getattr(HardWorker, method), AttributeError)
    assert words.startswith(f"HardWorker has no {method}")
    assert "; write " in words
    assert not hasattr(HardWorker, method)
    assert not hasattr(HardWorker(), method)


@pytest.mark.parametrize("method", ["delay", "send", "apply_async", "enqueue"])
def test_methods_of_other_systems_on_a_function(method: str) -> None:
    words = said_by(lambda: getattr(welcome, method), AttributeError)
    assert words.startswith(f"welcome has no {method}(); write welcome.perform_async(...)")


def test_methods_of_other_systems_on_a_push() -> None:
    words = said_by(lambda: HardWorker.set(queue="low").delay, AttributeError)  # type: ignore[attr-defined]
    assert (
        words == "mistakes.HardWorker has no delay(); write mistakes.HardWorker.perform_async(...)"
    )


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("countdown", "perform_in(seconds, ...)"),  # Celery
        ("eta", "perform_at(when, ...)"),
        ("expires", "expires_in=60"),
        ("acks_late", "acknowledged when it has ended, always"),
        ("job_timeout", "time_limit=60"),  # RQ
        ("depends_on", "kiq.Batch"),
        ("min_backoff", "retry_in"),  # Dramatiq
        ("max_retries", "retry=5"),
        ("retries", "retry=5"),  # Huey
        ("retry_delay", "retry_in"),
        ("misfire_grace_time", "within="),  # APScheduler
    ],
)
def test_options_of_other_systems(option: str, instead: str) -> None:
    given: Any = {option: 5}
    decorated = said_by(lambda: kiq.job(**given)(len))
    assert f"unknown option {option!r}; here it is " in decorated
    assert instead in decorated
    assert instead in said_by(lambda: make_class("Wrong", (kiq.Job,), {}, **given))
    assert instead in said_by(lambda: HardWorker.set(**given))
    pushed: Any = HardWorker.perform_async
    words = said_by(lambda: pushed("Bob", **given), kiq.ArgumentError)
    assert (
        f"got an unexpected keyword argument {option!r} (options are no arguments: for {option}"
        in words
    )
    assert instead in words


def test_a_perform_may_have_arguments_of_such_names(fake: redis.Redis) -> None:
    @kiq.job(name="mistakes.timed")
    def timed(countdown: int) -> None: ...

    assert timed.perform_async(countdown=3)
    words = said_by(lambda: timed.perform_async(countdown=3, other=1), kiq.ArgumentError)  # type: ignore[call-arg]
    assert "options are no arguments" not in words


@pytest.mark.parametrize("name", ["shared_task", "actor", "Celery", "crontab", "chord", "add_job"])
def test_names_of_other_packages(name: str) -> None:
    assert "; here it is " in said_by(lambda: getattr(kiq, name), AttributeError)


def test_a_class_may_define_such_a_method_itself(fresh_registry: object) -> None:
    class Sender(kiq.Job, name="mistakes.Sender"):
        def send(self, text: str) -> str:
            return text.upper()

        def perform(self, text: str) -> str:
            return self.send(text)

    assert Sender.perform_inline("hi") == "HI"


def test_deriving_from_the_decorator() -> None:
    base: Any = kiq.job

    def mistake() -> None:
        class Wrong(base):  # type: ignore[misc]
            def perform(self) -> None: ...

    words = said_by(mistake)
    assert words == "kiq.job is the decorator for functions; for a class write class X(kiq.Job)"


def test_decorating_a_class() -> None:
    class Wrong:
        def perform(self) -> None: ...

    words = said_by(lambda: kiq.job(Wrong))
    assert words == "@kiq.job is for functions; write class Wrong(kiq.Job) instead"


def test_awaiting_a_push(fake: redis.Redis) -> None:
    async def mistake() -> None:
        await HardWorker.perform_async("Bob")  # type: ignore[misc]

    words = said_by(lambda: asyncio.run(mistake()), TypeError)
    assert "a push is not a coroutine: the job is in Redis already" in words
    assert "write HardWorker.perform_async(...) without await" in words
    assert "await HardWorker.aio.perform_async(...)" in words


def test_a_delay_given_as_a_date() -> None:
    words = said_by(lambda: HardWorker.perform_at(60, "Bob"), kiq.PayloadError)
    assert "for a delay of 60 seconds write perform_in(60, ...)" in words


def test_a_date_given_as_a_delay() -> None:
    when: Any = datetime(2096, 1, 1, tzinfo=UTC)
    words = said_by(lambda: HardWorker.perform_in(when, "Bob"), kiq.PayloadError)
    assert "perform_in takes a delay; use perform_at" in words


def test_a_naive_date() -> None:
    words = said_by(lambda: HardWorker.perform_at(datetime(2096, 1, 1), "Bob"), kiq.PayloadError)
    assert "is naive: it means another moment on another machine" in words
    assert "datetime.now(timezone.utc)" in words


@pytest.mark.parametrize(
    "push",
    [
        lambda: HardWorker.perform_async("Bob"),
        lambda: HardWorker.perform_in(60, "Bob"),
        lambda: HardWorker.perform_bulk([("Bob",)]),
        lambda: welcome.perform_async(1),
        lambda: kiq.push({"class": "X", "args": []}),
        lambda: kiq.push_bulk({"class": "X"}, [[]]),
    ],
)
def test_a_push_while_a_worker_imports_the_module(
    fake: redis.Redis, push: Callable[[], object]
) -> None:
    with importing("app.jobs"):
        words = said_by(push)
    assert "was pushed while a worker imports app.jobs" in words
    assert 'Put the push under `if __name__ == "__main__":`' in words
    assert fake.keys() == []
    push()
    assert fake.keys() != []


def test_other_threads_push_while_a_worker_imports(fake: redis.Redis) -> None:
    with importing("app.jobs"):
        thread = threading.Thread(target=HardWorker.perform_async, args=("Bob",))
        thread.start()
        thread.join(10)
    assert fake.llen("queue:default") == 1


def test_a_mixin_whose_init_subclass_takes_no_keywords() -> None:
    class Mixin:
        def __init_subclass__(cls) -> None:
            super().__init_subclass__()

    def mistake() -> None:
        class Wrong(Mixin, job_base, queue="critical"):  # type: ignore[misc, call-arg]
            def perform(self) -> None: ...

    words = said_by(mistake)
    assert "Wrong: the __init_subclass__ of" in words
    assert "Mixin takes no keywords, so queue can't pass it" in words
    assert "give it **kwargs and call super().__init_subclass__(**kwargs)" in words


def test_a_mixin_behind_kiqs_class_or_with_keywords_is_fine(fresh_registry: object) -> None:
    class Closed:
        def __init_subclass__(cls) -> None:
            super().__init_subclass__()

    class Open:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)

    class Works(Open, job_base, Closed, queue="critical", name="mistakes.Works"):  # type: ignore[misc]
        def perform(self) -> None: ...

    assert Works.options["queue"] == "critical"


def test_a_perform_that_yields() -> None:
    def perform(self: Any) -> Any:
        yield 1

    words = said_by(lambda: make_class("Wrong", (kiq.Job,), {"perform": perform}))
    assert words == (
        "Wrong.perform is a generator: nobody would run its body; remove the `yield`, or derive from "
        "kiq.IterableJob, whose build may yield the items of a long job (docs/iteration.md)"
    )


def test_an_async_generator() -> None:
    async def perform(self: Any) -> Any:
        yield 1

    words = said_by(lambda: make_class("Wrong", (kiq.Job,), {"perform": perform}))
    assert words.startswith("Wrong.perform is a generator: nobody would run its body; remove the `")


@pytest.mark.parametrize("wrap", [staticmethod, classmethod])
def test_a_perform_that_belongs_to_the_class(wrap: Any) -> None:
    def perform(self: Any) -> None: ...

    words = said_by(lambda: make_class("Wrong", (kiq.Job,), {"perform": wrap(perform)}))
    assert words == "Wrong.perform must be an ordinary method, `def perform(self, ...)`"


def test_a_perform_that_is_no_function() -> None:
    words = said_by(lambda: make_class("Wrong", (kiq.Job,), {"perform": 5}))
    assert words == "Wrong.perform must be a function, not 5"


def test_an_init_that_wants_arguments() -> None:
    def init(self: Any, name: str) -> None: ...

    def perform(self: Any) -> None: ...

    body = {"__init__": init, "perform": perform}
    words = said_by(lambda: make_class("Wrong", (kiq.Job,), body))
    assert "Wrong.__init__ must take no arguments: kiq makes an instance for each job" in words


def test_a_class_without_perform() -> None:
    class OptionsOnly(kiq.Job, queue="low"):
        pass

    options_only: Any = OptionsOnly
    assert "OptionsOnly has no perform of its own to run: define `def perform(self" in said_by(
        options_only.perform_async
    )
    assert "Job has no perform" in said_by(lambda: job_base.perform_async())


def test_a_string_as_the_arguments_of_a_bulk() -> None:
    words = said_by(lambda: HardWorker.perform_bulk("Bob"), kiq.PayloadError)
    assert "perform_bulk([(1,), (2,)])" in words


def test_an_object_as_an_argument(fake: redis.Redis) -> None:
    thing: Any = os
    words = said_by(lambda: HardWorker.perform_async(thing), kiq.ArgumentError)
    assert words.startswith("mistakes.HardWorker: args[0]: ")
    assert fake.keys() == []
