"""The users of the shop: in SQLite, behind what looks like an async driver."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

PATH = "shop.db"


class Session:
    """Statements of one request, or of one job; committed together, or not at all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def add(self, name: str, address: str) -> int:
        """Sign somebody up; return the id."""
        insert = "INSERT INTO users (name, address) VALUES (?, ?)"
        row = await asyncio.to_thread(self._connection.execute, insert, (name, address))
        return int(row.lastrowid or 0)

    async def commit(self) -> None:
        """Have others see it."""
        await asyncio.to_thread(self._connection.commit)

    async def users(self) -> list[tuple[int, str, str]]:
        """Return all users: id, name, address."""

        def found() -> list[tuple[int, str, str]]:
            return list(self._connection.execute("SELECT id, name, address FROM users"))

        return await asyncio.to_thread(found)


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(PATH, timeout=20, check_same_thread=False)


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """Stand for a pool: what web server and worker each have once, for as long as they run."""
    with closing(_connect()) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT, address TEXT)"
        )
    yield


async def session() -> AsyncIterator[Session]:
    """A dependency: of requests and of jobs."""
    with closing(_connect()) as connection, connection:  # commits, or rolls back
        yield Session(connection)
