"""Users, posts and tags, each with a counter that is kept beside the rows it counts."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

FILE = Path(os.environ.get("RECOUNT_FILE", "recount.sqlite3"))
MODELS = ("users", "posts", "tags")
#: Seconds that a count takes elsewhere: a database over a network, a web service.
ELSEWHERE = 0.02


@contextlib.contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """A connection of this thread's own; commits at the end."""
    connection = sqlite3.connect(FILE, timeout=30)
    connection.execute("PRAGMA synchronous = OFF")  # what is here is made anew each time
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def create(rows: int) -> None:
    """Make *rows* rows in all, whose counters are wrong."""
    remove()
    with database() as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # who reads waits for nobody who writes
        for model in MODELS:
            connection.execute(
                f"CREATE TABLE {model} (id INTEGER PRIMARY KEY, items_count INTEGER)"
            )
            connection.execute(f"CREATE TABLE {model}_items (owner INTEGER)")
            of_model = range(1, rows // len(MODELS) + 1)
            connection.executemany(f"INSERT INTO {model} VALUES (?, -1)", [(n,) for n in of_model])
            items = [(n,) for n in of_model for _ in range(n % 7)]
            connection.executemany(f"INSERT INTO {model}_items VALUES (?)", items)


def remove() -> None:
    """Remove the file, with what SQLite has beside it."""
    for path in (FILE, *FILE.parent.glob(f"{FILE.name}-*")):
        path.unlink(missing_ok=True)


def ids(model: str) -> list[int]:
    """Return the ids of all rows of *model*."""
    with database() as connection:
        return [number for (number,) in connection.execute(f"SELECT id FROM {model} ORDER BY id")]


def recount(model: str, number: int) -> None:
    """Count the items of one row anew. However often it runs, the counter is right."""
    time.sleep(ELSEWHERE)
    with database() as connection:
        connection.execute(
            f"UPDATE {model} SET items_count ="
            f" (SELECT COUNT(*) FROM {model}_items WHERE owner = {model}.id) WHERE id = ?",
            (number,),
        )


def wrong() -> int:
    """Return how many counters are wrong."""
    with database() as connection:
        return sum(
            connection.execute(
                f"SELECT COUNT(*) FROM {model} WHERE items_count <> (id % 7)"
            ).fetchone()[0]
            for model in MODELS
        )
