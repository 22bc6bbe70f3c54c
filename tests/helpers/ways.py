"""An application that reaches Redis in the way that ``WAY`` names: for tests of each way there is.

Run as a program it pushes in each way that a producer has, and reads what the data API tells.
Nothing but such a program and a worker imports this.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import redis

import kiq
from kiq import api
from tests.helpers.jobs import note
from tests.helpers.sentinel import client_of

KIND, _, PORT = os.environ["WAY"].partition(":")
DATABASE = int(os.environ["DATABASE"])


def _client() -> Any:
    if KIND == "sentinel":
        return client_of(int(PORT)).master_for("jobs", db=DATABASE)
    options: dict[str, Any] = {"host": "127.0.0.1", "port": int(PORT), "db": DATABASE}
    return redis.Redis(**options, protocol=3) if KIND == "resp3" else redis.Redis(**options)


if KIND != "url":  # else REDIS_URL says it
    kiq.configure(redis=_client())


class Say(kiq.Job, name="ways.Say"):
    """Notes its argument."""

    def perform(self, text: str) -> None:
        note(text)


async def _pushes() -> None:
    await asyncio.gather(*(Say.aio.perform_async(text) for text in ("aio 1", "aio 2")))


if __name__ == "__main__":
    Say.perform_async("alone")
    Say.perform_bulk([("bulk 1",), ("bulk 2",)])
    Say.perform_in(0.1, "later")
    asyncio.run(_pushes())
    print(sorted(job.args[0] for job in api.Queue("default")))
    print(api.Stats().enqueued, api.Stats().scheduled_size)
