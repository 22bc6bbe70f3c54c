"""Jobs whose objects are copied and pickled, by name, as another process finds them."""

from __future__ import annotations

import functools
from typing import Any

import kiq


class Ship(kiq.Job, queue="ships", retry=3):
    def perform(self, number: int, *, fast: bool = False) -> None: ...

    def double(self, number: int) -> tuple[int, str, int]:
        return 2 * number, self.jid, self.attempt


class Outer:
    class Inner(kiq.Job):
        def perform(self) -> None: ...


@kiq.job(queue="mail")
def welcome(name: str) -> str:
    return f"hello {name}"


@welcome.retry_in
def soon(count: int, error: BaseException, payload: dict[str, Any]) -> int:
    return 10


farewell = kiq.job(lambda name: f"bye {name}", name="travellers.farewell")
partial = kiq.job(functools.partial(max, 1), name="travellers.partial")


@kiq.job
async def later(name: str) -> str:
    return name
