"""What the jobs work on: stands for the tables of an application."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """One user."""

    id: int
    name: str

    @staticmethod
    def find(user_id: int) -> User:
        """Return the user with this id."""
        return USERS[user_id]


USERS = {each.id: each for each in (User(1, "Alice"), User(2, "Bob"))}
