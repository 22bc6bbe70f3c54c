"""What tests of users put in the place of kiq's methods works, and goes again."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
import redis

import kiq
from tests.helpers.stored import in_queue
from tests.helpers.travellers import Ship, welcome

WHERE = "tests.helpers.travellers"
METHODS = ("perform_async", "perform_in", "perform_at", "perform_bulk", "set")


@pytest.mark.parametrize("name", [*METHODS, "perform_inline", "via", "args"])
@pytest.mark.parametrize("job", ["Ship", "welcome"])
def test_a_method_can_be_patched_and_comes_back(fake: redis.Redis, job: str, name: str) -> None:
    known: Any = {"Ship": Ship, "welcome": welcome}[job]
    before = getattr(known, name)
    with mock.patch(f"{WHERE}.{job}.{name}") as stand_in:
        getattr(known, name)(1, fast=True)
    stand_in.assert_called_once_with(1, fast=True)
    assert getattr(known, name) == before
    assert fake.keys() == []


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("job", ["Ship", "welcome"])
def test_a_method_for_asyncio_code_can_be_patched_and_comes_back(
    fake: redis.Redis, job: str, name: str
) -> None:
    known: Any = {"Ship": Ship, "welcome": welcome}[job]
    before = getattr(known.aio, name)
    with mock.patch(f"{WHERE}.{job}.aio.{name}", return_value="the jid") as stand_in:
        result = getattr(known.aio, name)(1)
        if name != "set":
            assert isinstance(stand_in, mock.AsyncMock)
            result = asyncio.run(result)
    assert result == "the jid"
    stand_in.assert_called_once_with(1)
    assert getattr(known.aio, name) == before
    assert fake.keys() == []


@pytest.mark.parametrize("job", [Ship, welcome], ids=["class", "function"])
def test_all_of_aio_can_be_patched_and_comes_back(fake: redis.Redis, job: Any) -> None:
    with mock.patch.object(job, "aio") as aio:
        job.aio.perform_async(1)
    aio.perform_async.assert_called_once_with(1)
    asyncio.run(job.aio.perform_async("1"))
    assert len(fake.keys()) > 0


def test_what_pytest_puts_in_place_goes_again(
    fake: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Ship.aio, "perform_async", lambda number: number)
        patched.setattr(Ship, "perform_in", lambda delay, number: number)
        assert (Ship.aio.perform_async(1), Ship.perform_in(60, 2)) == (1, 2)  # type: ignore[comparison-overlap]
    asyncio.run(Ship.aio.perform_async(1))
    assert len(in_queue(fake, "ships")) == 1


@pytest.mark.parametrize("job", ["Ship", "welcome"])
def test_a_stand_in_may_take_the_form_of_the_job(fake: redis.Redis, job: str) -> None:
    with mock.patch(f"{WHERE}.{job}", autospec=True) as stand_in:
        stand_in.perform_async(1)
    stand_in.perform_async.assert_called_once_with(1)


def test_perform_itself_can_be_patched() -> None:
    with mock.patch(f"{WHERE}.Ship.perform", return_value=mock.MagicMock()) as perform:
        Ship.perform_inline(1, fast=True)
    perform.assert_called_once_with(1, fast=True)


class Wild(kiq.Job):
    """Decorators say nothing of what they wrap."""

    def decorator(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @decorator
    def perform(self, number: int, *, fast: bool = False) -> tuple[int, bool]:
        return number, fast


class Caller:
    """Stands in the place of a method, and is no descriptor."""

    def __call__(self, number: int) -> int:
        return number


class Called(kiq.Job):
    perform = Caller()


class Narrow(kiq.Job):
    def decorator(function: Any) -> Any:
        def wrapper(self: Any, *args: Any) -> Any:
            return function(self, *args)

        return wrapper

    @decorator
    def perform(self, number: int) -> int:
        return number


def test_arguments_reach_perform_through_a_decorator_without_wraps(fake: redis.Redis) -> None:
    assert Wild.perform_inline(1, fast=True) == (1, True)
    assert Called.perform_inline(3) == 3
    assert Narrow.perform_inline(4) == 4
    Wild.perform_async(1)
    Wild.perform_bulk([(1,), (2,)])
    Called.perform_async(1)
    Narrow.perform_async(1)
    assert len(in_queue(fake)) == 5


def test_what_a_decorator_does_say_is_checked(fake: redis.Redis) -> None:
    with pytest.raises(kiq.ArgumentError, match="too many positional arguments"):
        Called.perform_async(1, 2)
    with pytest.raises(kiq.ArgumentError, match="unexpected keyword argument 'fast'"):
        Narrow.perform_async(1, fast=True)
    assert fake.keys() == []


def test_a_function_in_c_that_does_not_say_what_it_takes_takes_anything(
    fake: redis.Redis, fresh_registry: Any
) -> None:
    largest = kiq.job(name="patching.largest")(max)
    largest.perform_async(1, 2)
    assert largest.perform_inline(1, 2) == 2


@pytest.mark.parametrize("text", ["lambda: 1", "lambda *, a: 1", "lambda **kwargs: 1"])
def test_a_perform_that_takes_no_self_is_refused(text: str) -> None:
    with pytest.raises(kiq.ConfigError, match="takes no self: write"):
        type("Selfless", (kiq.Job,), {"perform": eval(text)})  # noqa: S307
