"""Classes and functions in the manner of Delayed Job, for tests: what runs is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from kiq.contrib import delayed
from kiq.contrib.delayed import delayable, handle_asynchronously

#: What ran, or was called, in order: name, arguments.
called: list[tuple[Any, ...]] = []
#: What raises, by its name.
plan: dict[str, Callable[[], BaseException]] = {}


def _note(name: str, *args: Any) -> None:
    called.append((name, *args))
    if name in plan:
        raise plan[name]()


class User(delayed.Delayable):
    """Found again by its number."""

    there: ClassVar[dict[int, User]] = {}

    def __init__(self, number: int, name: str = "Ann") -> None:
        self.number, self.name = number, name
        self.there[number] = self

    def __kiq_ref__(self) -> int:
        return self.number

    @classmethod
    def __kiq_find__(cls, number: int) -> User | None:
        if "the store" in plan:
            raise plan["the store"]()
        return cls.there.get(number)

    def activate(self, level: int = 1, *, why: str = "") -> str:
        """Note it."""
        _note("activate", self.number, level, why)
        return "active"

    def exit(self) -> None:
        """A name that a proxy might have."""
        _note("exit", self.number)

    @classmethod
    def count(cls, factor: int) -> None:
        """Note it."""
        _note("count", cls.__name__, factor)

    @staticmethod
    def greet(name: str) -> None:
        """Note it."""
        _note("greet", name)

    def _private(self) -> None: ...

    async def later(self) -> None:
        """No job can call it."""

    @handle_asynchronously
    def deactivate(self, why: str) -> str:
        """Say why."""
        _note("deactivate", self.number, why)
        return why

    @handle_asynchronously(
        priority=lambda self: -self.number,
        run_at=lambda: datetime(2040, 1, 1, tzinfo=UTC),
        queue="users",
    )
    def expire(self) -> None:
        """Note it."""
        _note("expire", self.number)

    @handle_asynchronously
    @classmethod
    def purge(cls, days: int) -> None:
        """Note it."""
        _note("purge", cls.__name__, days)

    @classmethod
    @handle_asynchronously
    def sweep(cls, days: int) -> None:
        """The other way round."""
        _note("sweep", cls.__name__, days)

    @handle_asynchronously
    @staticmethod
    def ping(host: str) -> None:
        """Note it."""
        _note("ping", host)

    @staticmethod
    @handle_asynchronously
    def pong(host: str) -> None:
        """The other way round."""
        _note("pong", host)


class Admin(User):
    """A subclass, opted in as its base is."""

    def activate(self, level: int = 1, *, why: str = "") -> str:
        """Another."""
        _note("activate admin", self.number, level)
        return "active"


@delayable(show=("name",), aliases=("old.Account",))
class Account:
    """Opted in by the decorator, and shown by its name."""

    def __init__(self, number: int) -> None:
        self.number, self.name = number, f"account {number}"

    def __kiq_ref__(self) -> int:
        return self.number

    @classmethod
    def __kiq_find__(cls, number: int) -> Account:
        return cls(number)

    def close(self, by: User) -> None:
        """Note it."""
        _note("close", self.number, by.name)


class Closed(Account):
    """Its own methods are not opted in, nor is it."""

    def open(self) -> None: ...


@delayable
@dataclass(frozen=True)
class Money:
    """Travels by value."""

    amount: int
    currency: str = "EUR"

    def pay(self, to: User | list[User]) -> None:
        """Note it."""
        who = to if isinstance(to, list) else [to]
        _note("pay", self.amount, self.currency, [each.name for each in who])


@dataclass
class Stray:
    """Not opted in."""

    number: int

    def go(self) -> None: ...


@delayable
def welcome(user: User, greeting: str = "Hello") -> None:
    """A function."""
    _note("welcome", user.name, greeting)


@handle_asynchronously(priority=5)
def tidy(folder: str) -> str:
    """A function that is always pushed."""
    _note("tidy", folder)
    return folder


def stray() -> None:
    """Not opted in."""


@dataclass(slots=True)
class Twice(delayed.Delayable):
    """Which ``slots`` makes a second time."""

    number: int

    def go(self) -> None:
        """Note it."""
        _note("go", self.number)

    @handle_asynchronously
    def come(self) -> None:
        """Note it."""
        _note("come", self.number)


class Message:
    """What a mailer makes."""

    def __init__(self, to: str) -> None:
        self.to = to

    def deliver(self) -> str:
        """Note it."""
        _note("deliver", self.to)
        return f"sent to {self.to}"


class Mailer(delayed.Mailer):
    """Makes messages."""

    @staticmethod
    def hello(user: User) -> Message:
        """A message to *user*."""
        return Message(user.name)

    @staticmethod
    def broken() -> str:
        """No message."""
        return "text"


@dataclass
class NewsletterJob:
    """A custom job, found by its form."""

    text: str
    emails: list[str] = field(default_factory=list)

    def perform(self) -> int:
        """Note it."""
        _note("perform", self.text, self.emails)
        return len(self.emails)


@dataclass
class HelloEmailJob:
    """A custom job with an object."""

    user: User

    def perform(self) -> None:
        """Note it."""
        _note("hello", self.user.name)


@dataclass
class HookedJob:
    """Has each hook, and says all that a class may say."""

    number: int
    max_attempts: ClassVar[int] = 3
    queue_name: ClassVar[str] = "hooked"
    destroy_failed_jobs: ClassVar[bool] = False

    @property
    def max_run_time(self) -> timedelta:
        return timedelta(minutes=self.number)

    def perform(self) -> None:
        """Note it."""
        _note("perform", self.number)

    def enqueue(self, job: delayed.Job) -> None:
        """A hook."""
        _note("enqueue", job.jid, job.queue)
        if self.number == 7:
            job.queue, job.priority = "seven", -7

    def before(self, job: delayed.Job) -> None:
        """A hook."""
        _note("before", job.attempts)

    def after(self) -> None:
        """A hook without arguments."""
        _note("after")

    def success(self, job: delayed.Job) -> None:
        """A hook."""
        _note("success", job.name.rpartition(".")[2])

    def error(self, job: delayed.Job, exception: BaseException) -> None:
        """A hook."""
        _note("error", str(exception))

    def failure(self, job: delayed.Job) -> None:
        """A hook."""
        _note("failure", job.attempts, job.payload_object.number)

    def reschedule_at(self, now: datetime, attempts: int) -> datetime:
        """Later and later."""
        return now + timedelta(minutes=attempts)


class KeyedJob:
    """A custom job that has a key of its own."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __kiq_ref__(self) -> str:
        return self.key

    @classmethod
    def __kiq_find__(cls, key: str) -> KeyedJob:
        return cls(key)

    def perform(self) -> None:
        """Note it."""
        _note("keyed", self.key)


def names() -> list[str]:
    """What was called, without arguments."""
    return [each[0] for each in called]
