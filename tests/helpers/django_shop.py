"""A project of Django for worker processes of the tests: caches, a database, jobs that use both.

Imported by those processes alone, by ``DJANGO_SETTINGS_MODULE=tests.helpers.django_shop_settings``.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache, caches
from django.db import connection, transaction
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone, translation

import kiq
from tests.helpers.jobs import note


def ask() -> Any:
    """Return the process id of the server's side of the connection that is used here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def count() -> None:
    """Use the cache."""
    cache.set("a", 1)
    cache.get("a")


WAYS = {
    "sync_to_async": lambda: sync_to_async(ask)(),
    "of any thread": lambda: sync_to_async(ask, thread_sensitive=False)(),
    "to_thread": lambda: asyncio.to_thread(ask),
    "gather": lambda: _first(asyncio.gather(sync_to_async(ask)(), sync_to_async(ask)())),
}


async def _first(found: Any) -> Any:
    return (await found)[0]


@kiq.job(name="shop.counts")
def counts(number: int) -> None:
    count()
    note(f"counted {number}")


@kiq.job(name="shop.counts_async")
async def counts_async(number: int) -> None:
    await cache.aset("a", 1)
    await asyncio.gather(*(cache.aget("a") for _ in range(3)))
    await sync_to_async(count)()
    await asyncio.to_thread(count)
    note(f"counted {number}")


@kiq.job(name="shop.counts_by_a_loop")
def counts_by_a_loop(number: int) -> None:
    async_to_sync(cache.aset)("a", 1)
    asyncio.run(cache.aget("a"))
    note(f"counted {number}")


@kiq.job(name="shop.asks", retry=False)
def asks(label: str) -> None:
    note(f"{label}: {ask()}")


@kiq.job(name="shop.asks_async", retry=False)
async def asks_async(label: str, way: str) -> None:
    note(f"{label}: {await WAYS[way]()}")


@kiq.job(name="shop.asks_by_a_loop", retry=False)
def asks_by_a_loop(label: str, way: str) -> None:
    note(f"{label}: {asyncio.run(WAYS[way]())}")


@kiq.job(name="shop.asks_all_the_time", retry=False)
async def asks_all_the_time(label: str) -> None:
    pid = await sync_to_async(ask)()
    note(f"{label} began: {pid}")
    while not await sync_to_async(cache.get)(f"release {label}"):
        await asyncio.sleep(0.02)
        assert await sync_to_async(ask)() == pid, "the connection was closed under a running job"
    note(f"{label}: {pid}")


@kiq.job(name="shop.leaves_open", retry=False)
async def leaves_open(label: str) -> None:
    def begin() -> None:
        transaction.atomic().__enter__()
        ask()

    await sync_to_async(begin)()
    note(label)


def change_all(label: str) -> None:
    """Note what Django keeps by thread or context, and change it."""
    before = (
        str(translation.get_language()),
        timezone.get_current_timezone_name(),
        get_script_prefix(),
        type(caches["default"]).__name__,
    )
    translation.activate("fr")
    timezone.activate("Asia/Tokyo")
    set_script_prefix("/elsewhere")
    note(f"{label}: {' '.join(before)}")


@kiq.job(name="shop.changes_all")
def changes_all(label: str) -> None:
    change_all(label)


@kiq.job(name="shop.changes_all_async")
async def changes_all_async(label: str) -> None:
    change_all(label)


@kiq.job(name="shop.forks_with_a_connection", retry=False)
def forks_with_a_connection(label: str) -> None:
    pid = ask()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        assert ask() == pid
        note(f"{label}: {pid}")


@kiq.job(name="shop.asks_on_the_loop", retry=False)
async def asks_on_the_loop(label: str) -> None:
    note(f"{label}: {ask()}")
