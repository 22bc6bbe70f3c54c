"""Who has signed up: a table in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """Somebody who has signed up."""

    id: int
    name: str
    address: str


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect("shop.db", timeout=20)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def make_tables() -> None:
    """Make what is not there."""
    with _database() as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT, address TEXT)"
        )


def add_user(name: str, address: str) -> User:
    """Sign somebody up."""
    with _database() as database:
        row = database.execute("INSERT INTO users (name, address) VALUES (?, ?)", (name, address))
        return User(int(row.lastrowid or 0), name, address)


def user_named(name: str) -> User | None:
    """Return the user with this name, if there is one."""
    return next((each for each in users() if each.name == name), None)


def users() -> list[User]:
    """Return all users, in the order in which they came."""
    with _database() as database:
        return [User(*row) for row in database.execute("SELECT * FROM users ORDER BY id")]
