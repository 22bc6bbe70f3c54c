"""Work that was never done is not done: coroutines, generators and futures that come back in its place."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
import redis

import kiq
from kiq import testing
from kiq.errors import ConfigError
from kiq.events import EVENTS, Events
from kiq.jid import Jid
from kiq.middleware import Chain
from kiq.registry import JobSpec, Registry
from kiq.verdict import DONE, Dropped, ToDead, ToRetry
from tests.helpers.bench import Bench, retried

ran: list[Any] = []


@pytest.fixture
def bench() -> Bench:
    ran.clear()
    return Bench()


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that knows nothing of async functions, as Django's atomic."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


async def coroutine(*_args: Any) -> None:
    ran.append("coroutine")


def generator(*_args: Any) -> Iterator[None]:
    ran.append("generator")
    yield


async def async_generator(*_args: Any) -> AsyncIterator[None]:
    ran.append("async generator")
    yield


class Callable_:
    async def __call__(self, *_args: Any) -> None:
        ran.append("callable")


class Awaitable:
    def __await__(self) -> Iterator[None]:
        yield


NOT_BEGUN = {
    "a coroutine": plain(coroutine),
    "a generator": plain(generator),
    "an async generator": plain(async_generator),
    "a lazy iterator": lambda: map(ran.append, [1]),
    "a context manager": contextmanager(generator),
}
BEGUN = {"a future": lambda: concurrent.futures.Future(), "an awaitable": lambda: Awaitable()}
#: What can be seen to be wrong before it is called.
ASYNC = [
    coroutine,
    generator,
    async_generator,
    Callable_(),
    functools.partial(coroutine, 1),
    functools.partial(Callable_()),
    AsyncMock(),
]
seen_to_be = pytest.mark.parametrize("function", ASYNC, ids=lambda each: type(each).__name__)


# What a job returns


@pytest.mark.parametrize("kind", [*NOT_BEGUN, *BEGUN])
def test_a_job_that_returns_work_to_be_done_fails(bench: Bench, kind: str) -> None:
    bench.add({**NOT_BEGUN, **BEGUN}[kind])
    record = retried(bench.run())
    assert record["error_class"] == "kiq.errors.NotDone"
    assert f"F returned {kind}, and what that was to do is not done; " in record["error_message"]
    assert ran == []


@pytest.mark.parametrize("kind", NOT_BEGUN)
def test_a_job_whose_body_never_ran_is_kept_whatever_its_retry_says(
    bench: Bench, kind: str
) -> None:
    bench.add(NOT_BEGUN[kind])
    assert isinstance(bench.run(retry=False), ToRetry)


def test_a_job_that_left_its_work_to_others_has_run(bench: Bench) -> None:
    bench.add(BEGUN["a future"])
    assert isinstance(bench.run(retry=False), Dropped)


def test_what_a_pool_of_processes_or_threads_is_still_to_do_is_a_future(bench: Bench) -> None:
    with ThreadPool(1) as pool:
        bench.add(lambda: pool.apply_async(int))
        assert "returned a future" in retried(bench.run())["error_message"]


def test_an_async_perform_under_a_plain_decorator_fails(
    bench: Bench, fresh_registry: Registry
) -> None:
    class Hidden(kiq.Job, name="undone.Hidden"):
        @plain
        async def perform(self, number: int, fast: bool = False) -> None:
            ran.append(number)

    bench.add_class(Hidden)
    for verdict in (bench.run(1), bench.run(1, kwargs={"fast": True})):
        assert "F.perform returned a coroutine" in retried(verdict)["error_message"]
    with pytest.raises(kiq.NotDone, match=r"undone\.Hidden\.perform returned a coroutine"):
        Hidden.perform_inline(1)
    assert ran == []


async def forgets_to_await() -> Any:
    return coroutine()


async def returns_its_result() -> int:
    return await asyncio.sleep(0, 42)


def test_an_async_job_that_forgets_an_await_fails_too(
    no_mode: None, fresh_registry: Registry
) -> None:
    forgetful = kiq.job(name="undone.forgetful")(forgets_to_await)
    careful = kiq.job(name="undone.careful")(returns_its_result)
    with pytest.raises(kiq.NotDone, match="returned a coroutine"):
        forgetful.perform_inline()
    assert careful.perform_inline() == 42


@pytest.mark.parametrize(
    "value",
    [Jid("0" * 24), MagicMock(), [1], (), {}, b"", object(), iter([]), range(3), {1}, print],
)
def test_whatever_else_a_job_returns_is_nobodys_business(bench: Bench, value: Any) -> None:
    bench.add(lambda: value)
    assert bench.run() is DONE


def test_a_job_in_a_test_fails_alike(no_mode: None, fresh_registry: Registry) -> None:
    hidden = kiq.job(name="undone.hidden")(plain(coroutine))
    testing.fake()
    hidden.perform_async()
    with pytest.raises(kiq.NotDone):
        testing.drain()
    testing.inline()
    with pytest.raises(kiq.NotDone):
        hidden.perform_async()


def test_objects_that_are_called_and_are_async_are_async_jobs() -> None:
    for function in (coroutine, Callable_(), functools.partial(Callable_())):
        assert JobSpec("F", {}, (), function, None).is_async
    assert not JobSpec("F", {}, (), plain(coroutine), None).is_async


# Middleware


@seen_to_be
def test_an_async_layer_is_refused_where_it_is_added(fresh_host: kiq.Host, function: Any) -> None:
    for add in (
        fresh_host.around_perform,
        fresh_host.around_push,
        fresh_host.server_middleware.prepend,
        testing.server_middleware.add,
    ):
        with pytest.raises(kiq.ConfigError, match=r"the middleware .* is (async def|a generator)"):
            add(function)
    assert fresh_host.server_middleware.names() == fresh_host.client_middleware.names() == []


def test_the_refusal_of_an_async_layer_names_what_takes_one(fresh_host: kiq.Host) -> None:
    with pytest.raises(kiq.ConfigError, match=r"asyncio_jobs\.async_layer"):
        fresh_host.around_perform(coroutine)


def test_a_layer_that_asks_asynchronously_whom_it_concerns_is_refused() -> None:
    class Layer:
        async def applies_to(self, job_class: Any) -> bool:
            return True

        def __call__(self, context: Any, call_next: Any) -> Any: ...

    with pytest.raises(kiq.ConfigError, match=r"applies_to of the middleware .*Layer is async def"):
        Chain[Any]().add(Layer())


@pytest.mark.parametrize("kind", NOT_BEGUN)
def test_a_layer_that_returns_work_to_be_done_does_not_drop_the_job(
    bench: Bench, kind: str
) -> None:
    bench.add(lambda: ran.append("the job"))
    bench.host.around_perform(lambda context, call_next: NOT_BEGUN[kind]())
    record = retried(bench.run(retry=False))
    assert f"a layer of server middleware returned {kind}" in record["error_message"]
    assert ran == bench.deaths == []


def test_client_middleware_that_returns_a_coroutine_pushes_nothing(fake: redis.Redis) -> None:
    kiq.host.around_push(plain(coroutine))
    with pytest.raises(kiq.NotDone, match="client middleware returned a coroutine"):
        kiq.push({"class": "A", "args": []})
    assert fake.keys() == []


# Events and handlers


@seen_to_be
@pytest.mark.parametrize("event", EVENTS)
def test_an_async_handler_of_an_event_is_refused(
    fresh_host: kiq.Host, function: Any, event: str
) -> None:
    with pytest.raises(kiq.ConfigError, match=f"a handler of {event} is (async def|a generator)"):
        fresh_host.on(event)(function)


@pytest.mark.parametrize("kind", NOT_BEGUN)
def test_a_handler_that_returns_work_to_be_done_has_failed(kind: str) -> None:
    events, told, reported = Events(), [], []
    events.on("beat", NOT_BEGUN[kind])
    events.on("beat", lambda: told.append(1))
    events.on("startup", NOT_BEGUN[kind])
    events.emit("beat", lambda error, where: reported.append((type(error), where)))
    assert reported == [(kiq.NotDone, {"event": "beat"})]
    assert told == [1]
    with pytest.raises(kiq.NotDone, match=f"a handler of startup returned {kind}"):
        events.emit_strictly("startup")


@seen_to_be
def test_async_error_handlers_and_death_handlers_are_refused(
    fresh_host: kiq.Host, function: Any
) -> None:
    with pytest.raises(kiq.ConfigError, match="an error handler is"):
        fresh_host.on_error(function)
    with pytest.raises(kiq.ConfigError, match="a death handler is"):
        fresh_host.on_death(function)


def test_handlers_that_return_work_to_be_done_have_failed(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.host.on_error(plain(coroutine))
    bench.host.on_death(plain(coroutine))
    bench.add(lambda: 1 / 0)
    assert isinstance(bench.run(retry=0), ToDead)
    assert "an error handler returned a coroutine" in caplog.text
    assert [type(error) for error in bench.errors] == [ZeroDivisionError, kiq.NotDone]
    assert "a death handler returned a coroutine" in str(bench.errors[1])


def test_a_plugin_that_would_install_itself_later_is_refused(fresh_host: kiq.Host) -> None:
    class Plugin:
        name = "late"

        async def install(self, host: kiq.Host) -> None: ...

    with pytest.raises(kiq.ConfigError, match="install of the plugin late is async def"):
        fresh_host.install(Plugin())  # type: ignore[arg-type]


# Hooks of jobs


@pytest.mark.parametrize("hook", ["retry_in", "retries_exhausted"])
@pytest.mark.parametrize("function", [coroutine, generator, async_generator])
def test_async_hooks_are_refused(fresh_registry: Registry, hook: str, function: Any) -> None:
    with pytest.raises(kiq.ConfigError, match=rf"Hooked\.{hook} is (async def|a generator)"):
        type("Hooked", (kiq.Job,), {"perform": lambda self: None, hook: function})
    job = kiq.job(name="undone.hooked")(lambda: None)
    with pytest.raises(kiq.ConfigError, match=rf"{hook} of undone\.hooked is"):
        getattr(job, hook)(function)
    assert not job._kiq_spec.hooks


def test_a_base_without_perform_can_not_bring_an_async_hook_either() -> None:
    with pytest.raises(kiq.ConfigError, match="retry_in is async def"):
        type("Base", (kiq.Job,), {"retry_in": coroutine})


@pytest.mark.parametrize("kind", NOT_BEGUN)
def test_hooks_that_return_work_to_be_done_are_told_of_and_change_nothing(
    bench: Bench, kind: str
) -> None:
    spec = bench.add(lambda: 1 / 0)
    for hook in ("retry_in", "retries_exhausted"):
        spec.hooks[hook] = lambda *_: NOT_BEGUN[kind]()
    assert isinstance(bench.run(), ToRetry)
    assert isinstance(bench.run(retry=0), ToDead)
    told = [str(error) for error in bench.errors if isinstance(error, kiq.NotDone)]
    assert f"retry_in returned {kind}" in told[0]
    assert f"retries_exhausted returned {kind}" in told[1]


@pytest.mark.parametrize("parameter", ["dump", "load"])
def test_async_functions_of_what_is_carried_are_refused(
    fresh_host: kiq.Host, parameter: str
) -> None:
    from contextvars import ContextVar

    with pytest.raises(kiq.ConfigError, match=f"carry: {parameter} is async def"):
        kiq.carry(ContextVar("undone"), **{parameter: coroutine})  # type: ignore[arg-type]
    with pytest.raises(kiq.ConfigError, match="carry_locale: coroutine is async def"):
        kiq.carry_locale(coroutine, lambda locale: contextmanager(generator)())


# Iterable jobs


HOOKS = ("on_start", "on_resume", "on_stop", "on_cancel", "on_complete", "around_iteration")


def iterable(**methods: Any) -> type[kiq.IterableJob]:
    def build(self: Any, *, cursor: Any) -> Any:
        return kiq.iteration.sequence([1, 2], cursor=cursor)

    def each(self: Any, item: int) -> None:
        ran.append(item)

    return type("Items", (kiq.IterableJob,), {"build": build, "each": each, **methods})


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("function", [coroutine, generator, async_generator])
def test_async_hooks_of_iterable_jobs_are_refused(
    fresh_registry: Registry, hook: str, function: Any
) -> None:
    with pytest.raises(kiq.ConfigError, match=rf"Items\.{hook} is (async def|a generator)"):
        iterable(**{hook: function})


@pytest.mark.parametrize("method", ["each", "on_start", "on_stop", "on_complete"])
def test_methods_of_iterable_jobs_that_return_work_to_be_done_fail_the_run(
    fresh_registry: Registry, method: str
) -> None:
    def hidden(*args: Any) -> Any:
        return coroutine()

    function = hidden if method != "each" else (lambda self, item: coroutine())
    with pytest.raises(kiq.NotDone, match=rf"Items\.{method} returned a coroutine"):
        iterable(**{method: function}).perform_inline()


def test_a_build_under_a_plain_decorator_fails_the_run(fresh_registry: Registry) -> None:
    async def build(self: Any, *, cursor: Any) -> Any: ...

    with pytest.raises(kiq.NotDone, match=r"Items\.build returned a coroutine"):
        iterable(build=lambda self, *, cursor: build(self, cursor=cursor)).perform_inline()


@pytest.mark.parametrize(
    ("hook", "function", "written"),
    [
        ("retry_in", lambda self, count: 1, "(self, count, error, payload)"),
        ("retry_in", lambda self, count, error, payload, more: 1, "(self, count, error, payload)"),
        ("retry_in", staticmethod(lambda self, count: 1), "(count, error, payload)"),
        ("retry_in", classmethod(lambda cls, count: 1), "(count, error, payload)"),
        ("retries_exhausted", lambda self, payload: 1, "(self, payload, error)"),
        ("on_start", lambda self, first: 1, "(self)"),
        ("on_complete", lambda: 1, "(self)"),
        ("around_iteration", lambda self, item: 1, "(self)"),
    ],
)
def test_methods_that_could_not_be_called_are_refused(
    fresh_registry: Registry, hook: str, function: Any, written: str
) -> None:
    items = {
        "build": lambda self, *, cursor: iter(()),
        "each": lambda self, item: None,
    }
    iterable = hook.startswith(("on_", "around"))
    parts = items if iterable else {"perform": lambda self: None}
    base = kiq.IterableJob if iterable else kiq.Job
    with pytest.raises(ConfigError) as caught:
        type(base)("Fits", (base,), {hook: function, **parts})
    assert str(caught.value).startswith(f"Fits.{hook} can't be called")
    assert f"kiq calls it with {written}" in str(caught.value)


def test_methods_that_take_whatever_comes_are_fine(fresh_registry: Registry) -> None:
    @functools.wraps(print)
    def wraps(*args: Any) -> None: ...

    class Fits(kiq.Job):
        retry_in = functools.partialmethod(wraps, 1)  # type: ignore[assignment]

        def perform(self) -> None: ...

        def retries_exhausted(self, *all_of_it: Any, verbose: bool = False) -> None: ...  # type: ignore[override]

    class Other(kiq.Job):
        def perform(self) -> None: ...

        @staticmethod
        def retry_in(count: int, error: BaseException, payload: Any) -> float:  # type: ignore[override]
            return 1.0

    @kiq.job
    def function() -> None: ...

    with pytest.raises(ConfigError, match=r"kiq calls it with \(count, error, payload\)"):
        function.retry_in(lambda count: 5)  # type: ignore[misc, arg-type]
    function.retry_in(lambda count, error, payload: 5)


def test_handlers_and_layers_that_could_not_be_called_are_refused() -> None:
    host = kiq.Host()
    with pytest.raises(ConfigError, match=r"an error handler .* \(error, context\)"):
        host.on_error(lambda error: None)  # type: ignore[misc, arg-type]
    with pytest.raises(ConfigError, match=r"a death handler .* \(payload, error\)"):
        host.on_death(lambda payload: None)  # type: ignore[misc, arg-type]
    with pytest.raises(ConfigError, match=r"\(batch\)"):
        host.on_settled(lambda: None)  # type: ignore[misc, arg-type]
    with pytest.raises(ConfigError, match=r"the middleware .* \(context, call_next\)"):
        host.around_perform(lambda context: None)  # type: ignore[misc, arg-type]
    with pytest.raises(ConfigError, match=r"\(duty\)"):
        kiq.duty("misfit", host=host)(lambda: None)  # type: ignore[misc, arg-type]
