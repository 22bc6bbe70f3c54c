"""A user, kept in a file for this example, and the mailer that greets it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from kiq.contrib import delayed

USERS = Path("users.json")


@dataclass
class Message:
    """A mail. deliver() would hand it to a mail server."""

    to: str
    text: str

    def deliver(self) -> None:
        print(f"to {self.to}: {self.text}", flush=True)


class Mailer(delayed.Mailer):
    """Makes mails; delayed, they are delivered by the job."""

    @staticmethod
    def hello(user: User) -> Message:
        return Message(user.email, f"Hello, {user.name}!")


@delayed.delayable(show=("name", "email"))
class User:
    """Travels in jobs as its number."""

    def __init__(self, number: int, name: str, email: str) -> None:
        self.number, self.name, self.email = number, name, email

    @classmethod
    def create(cls, name: str, email: str) -> User:
        """Keep a new user, and delay the mail that welcomes it."""
        rows = _rows()
        user = cls(len(rows) + 1, name, email)
        rows[str(user.number)] = [name, email]
        USERS.write_text(json.dumps(rows), encoding="utf-8")
        user.send_hello_email()
        return user

    def send_hello_email(self) -> None:
        Mailer.delay().hello(self)

    def activate(self, level: int) -> None:
        print(f"{self.name} is at level {level}", flush=True)

    def __kiq_ref__(self) -> int:
        return self.number

    @classmethod
    def __kiq_find__(cls, number: int) -> User | None:
        found = _rows().get(str(number))
        return cls(number, *found) if found else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, User) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


def _rows() -> dict[str, list[str]]:
    if not USERS.exists():
        return {}
    found: dict[str, list[str]] = json.loads(USERS.read_text(encoding="utf-8"))
    return found
