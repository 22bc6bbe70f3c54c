"""The event loop of a worker process, on a thread of its own."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

from ...config import Config
from ...errors import ConfigError
from ...logcontext import tid_of
from ...middleware import Next, ServerContext
from ...plugin import Host
from ...process import Handover
from ...verdict import Taken, Verdict
from ...worker_state import WorkerState
from ..declared import AsyncSettings
from ..interrupting.elsewhere import elsewhere_in
from .aside import Aside
from .parts import Parts
from .run import AsyncRun
from .slots import Slots
from .watchdog import Watchdog

_IN_HAND = 0.100  # seconds that a job waits for a slot before it goes back, as in the buffer
_LAST_WORDS = 0.5  # seconds for what is left on the loop when it closes


class Runner:
    """Runs ``async def`` jobs, up to ``async_concurrency`` at a time.

    Threads: processors call :meth:`take`, the launcher :meth:`close`; the rest is the loop's.
    """

    def __init__(self, config: Config, host: Host, state: WorkerState) -> None:
        self._host = host
        settings = config.of(AsyncSettings)
        self._loop = _new_loop(settings.async_loop)
        self._loop.set_exception_handler(self._reported)
        self._slots = Slots(settings.async_concurrency, state.stopping.is_set)
        self._aside = Aside()
        elsewhere_in(state)  # before jobs run: they share it
        self._handed_over: deque[AsyncRun] = deque()
        self._called = False  # the loop will look at what was handed over
        self._closing = False
        self._parts = Parts()
        self._numbers = count(1)
        self.thread = threading.Thread(target=self._run, name="kiq-event-loop", daemon=True)
        self.thread.start()
        self._tid = tid_of(self.thread)
        self._watchdog: Watchdog | None = None
        if settings.async_blocked_after:
            self._watchdog = Watchdog(self._loop, self.thread, settings.async_blocked_after)

    # For the executor and its processors

    def awaiting(self, perform: Next[ServerContext]) -> Next[ServerContext]:
        """Return what calls *perform*, and waits for the coroutine that it returns."""
        return lambda context: context.task.perform(perform)  # type: ignore[attr-defined]

    def take(
        self, taken: Taken, run: Any, attempt: Callable[[], Verdict], handover: Handover
    ) -> None:
        """Run *attempt* on the loop; its verdict will be delivered by *handover*.

        While all slots are taken this waits, and then gives the job back.
        """
        if not self._slots.take(_IN_HAND):
            handover.hand_back(taken, self._slots.wait_for_room)
            return
        tid = f"{self._tid}-{next(self._numbers)}"
        run.task = AsyncRun(
            taken, run, attempt, handover, self._loop, tid, self._ended, self._aside
        )
        handover.send_away(run.task, self._slots.wait_for_room)
        self._handed_over.append(run.task)
        if not self._called:
            self._called = True
            self._loop.call_soon_threadsafe(self._begin)

    # For the launcher

    def enter(self, parts: Sequence[Callable[[], Any]]) -> None:
        """Enter what jobs share on the loop, an async context manager each. Raises what one raises."""
        self._parts.enter(self._loop, parts)

    def close(self) -> None:
        """End the loop, and what is left on it; one that is blocked is left to the process's end."""
        self._parts.leave(self._loop, self._report)
        self._closing = True
        if self._watchdog is not None:
            self._watchdog.stop()
        try:
            self._loop.call_soon_threadsafe(self._loop.stop)
        except RuntimeError:
            return  # closed already
        self.thread.join(2 * _LAST_WORDS)
        self._aside.close()

    # On the loop's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001 (sys.exit in somebody's callback: the loop goes on)
                self._report(error, "event loop")
        try:
            self._loop.run_until_complete(_clear_up())
        except BaseException as error:  # noqa: BLE001 (as above)
            self._report(error, "end of the event loop")
        self._loop.close()

    def _begin(self) -> None:
        self._called = False  # before the look: what comes after it calls again
        while self._handed_over:
            run = self._handed_over.popleft()
            try:
                run.begin()
            except BaseException as error:  # noqa: BLE001 (out of memory: it goes back, not lost)
                run.finish(error)

    def _ended(self, error: BaseException | None) -> None:
        self._slots.give_back()
        if error is not None:
            self._report(error, "a job on the event loop")

    def _reported(self, _loop: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
        """Tell of what nobody waits for: a task that a job left behind, a callback that raised."""
        error = found.get("exception") or RuntimeError(found["message"])
        self._report(error, f"event loop: {found['message']}")

    def _report(self, error: BaseException, where: str) -> None:
        self._aside.call(partial(self._host.report, error, {"context": where}))


def _new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind != "uvloop":
        return asyncio.new_event_loop()
    try:
        uvloop = importlib.import_module("uvloop")
    except ModuleNotFoundError as error:
        raise ConfigError(
            "async_loop is uvloop, which is not installed: pip install uvloop"
        ) from error
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _clear_up() -> None:
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_LAST_WORDS)
    await loop.shutdown_asyncgens()
