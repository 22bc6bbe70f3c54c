"""``kiq top`` in a test: the application without a terminal, read when the test says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from kiq.api import connection
from kiq.config import Config, Redis
from kiq.top.app import Top
from kiq.top.fleets import Fleet

NEVER = 3600.0  # seconds between two readings that nobody asked for
_PATIENCE = 20.0


def fleet(url: str, name: str = "main") -> Fleet:
    """A fleet on the Redis at *url*."""
    return Fleet(name, connection(url), Config(redis=Redis(url=url)))


class Watcher:
    """Somebody before the application."""

    def __init__(self, top: Top, pilot: Pilot[None]) -> None:
        self.top, self._pilot = top, pilot

    @property
    def page(self) -> str:
        """The page, as text."""
        return self.top.body.text

    @property
    def screen(self) -> str:
        """All that is shown, from the top to the bottom, as text."""
        parts = (self.top.header.text, self.top.body.text, self.top.footer.text)
        return "\n".join(parts)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self._pilot.press(*keys)

    async def types(self, key: str, text: str) -> None:
        """Open the line by a *key*, have *text* in it, press Enter."""
        await self.press(key)
        self.top.line.value = text
        await self.press("enter")

    async def resize(self, width: int, height: int) -> None:
        """Have a terminal of another size."""
        await self._pilot.resize_terminal(width, height)

    async def sees(self, *texts: str) -> None:
        """Wait until all *texts* are on the screen; what changed in Redis is read meanwhile."""
        await self.until(lambda: all(each in self.screen for each in texts), repr(texts))

    async def until(self, holds: Callable[[], Any], what: str = "") -> None:
        """Wait until something holds."""
        end = time.monotonic() + _PATIENCE
        while not holds():
            assert time.monotonic() < end, f"never: {what}\n{self.screen}"
            self.top.reader.again()
            await self._pilot.pause()


def watch(
    url: str,
    script: Callable[[Watcher], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    **options: Any,
) -> Top:
    """Run the application on the Redis at *url* until *script* is through; return it."""
    fleets = options.pop("fleets", None) or [fleet(url)]
    top = Top(fleets, interval=NEVER, **options)

    async def run() -> None:
        async with top.run_test(size=size) as pilot:
            await script(Watcher(top, pilot))

    asyncio.run(run())
    return top
