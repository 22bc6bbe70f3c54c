"""Jobs in the manner of Resque, for tests: what their hooks were called with is noted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kiq.contrib import resque

#: What was called, in order: name, arguments.
called: list[tuple[Any, ...]] = []
#: What is to happen: names of hooks that raise, say False, or don't yield.
plan: set[str] = set()


class MyJob:
    """The sample of the books."""

    queue = "default"

    @staticmethod
    def perform(name: str, count: int) -> None:
        """Say so."""
        print(f"Processing {name} {count} times!")


class Foo:
    """The other one, by a classmethod."""

    queue = "foo"

    @classmethod
    def perform(cls, user_id: int) -> str:
        """Note it."""
        called.append(("perform", cls.__name__, user_id))
        return f"user {user_id}"


def _note(name: str, *args: Any) -> bool | None:
    called.append((name, *args))
    if f"{name} raises" in plan:
        raise RuntimeError(name)
    return False if f"{name} says no" in plan else None


class Hooked:
    """Has each hook, some twice."""

    queue = "hooked"

    @staticmethod
    def perform(number: int) -> None:
        """Note it."""
        _note("perform", number)

    @staticmethod
    def before_enqueue(number: int) -> bool | None:
        """A hook."""
        return _note("before_enqueue", number)

    @staticmethod
    def before_enqueue_b(number: int) -> bool | None:
        """A hook."""
        return _note("before_enqueue_b", number)

    @staticmethod
    def after_enqueue_count(number: int) -> None:
        """A hook."""
        _note("after_enqueue", number)

    @staticmethod
    def before_dequeue(*numbers: int) -> bool | None:
        """A hook."""
        return _note("before_dequeue", *numbers)

    @staticmethod
    def after_dequeue(*numbers: int) -> None:
        """A hook."""
        _note("after_dequeue", *numbers)

    @staticmethod
    def before_schedule(number: int) -> bool | None:
        """A hook."""
        return _note("before_schedule", number)

    @staticmethod
    def after_schedule(number: int) -> None:
        """A hook."""
        _note("after_schedule", number)

    @staticmethod
    def before_delayed_enqueue(number: int) -> None:
        """A hook."""
        _note("before_delayed_enqueue", number)

    @staticmethod
    def before_perform(number: int) -> None:
        """A hook."""
        if "don't perform" in plan:
            raise resque.DontPerform("not today")
        _note("before_perform", number)

    @staticmethod
    def around_perform(number: int) -> Iterator[None]:
        """A hook."""
        _note("around_perform begins", number)
        if "don't yield" in plan:
            return
        yield
        _note("around_perform ends", number)

    @staticmethod
    def around_perform_z(number: int) -> Iterator[None]:
        """A hook."""
        _note("around_perform_z begins", number)
        try:
            yield
        except RuntimeError:
            if "swallow" not in plan:
                raise
        _note("around_perform_z ends", number)

    @staticmethod
    def after_perform(number: int) -> None:
        """A hook."""
        _note("after_perform", number)

    @staticmethod
    def on_failure(error: BaseException, number: int) -> None:
        """A hook."""
        _note("on_failure", str(error), number)

    @staticmethod
    def on_failure_mail(error: BaseException, number: int) -> None:
        """A hook."""
        _note("on_failure_mail", str(error), number)
