"""The plugin: gives a worker an event loop if it has jobs that need one."""

from __future__ import annotations

import importlib
from typing import Any, cast

from ...config import Config
from ...errors import ConfigError
from ...plugin import AsyncRunner, Host
from ...registry import Registry
from ...worker_state import WorkerState
from ..declared import AsyncSettings


class AsyncJobs:
    """Runs ``async def`` jobs. A worker without such jobs gets neither loop nor thread."""

    name = "asyncio_jobs"

    def install(self, host: Host) -> None:
        """Be asked for an event loop at the start; end it last."""

        def make(config: Config, registry: Registry, state: WorkerState) -> AsyncRunner | None:
            names = sorted({spec.name for spec in registry.all() if spec.is_async})
            number = config.of(AsyncSettings).async_concurrency if names else 0
            state.info["async_concurrency"] = number
            if not names:
                return None
            runner = state.keep(_Loop(_runner(names[0], config, host, state))).runner
            try:
                runner.enter(host.loop_parts)
            except BaseException:
                runner.close()
                raise
            return cast(AsyncRunner, runner)

        host.async_runner = make
        host.services.append(lambda process: process.state.of(_Loop))


class _Loop:
    """The service that ends the loop."""

    def __init__(self, runner: Any) -> None:
        self.runner = runner

    def start(self) -> None:
        """Do nothing: it runs since it was made."""

    def stop(self) -> None:
        """Go on: jobs may still be running. It ends at ``exit``."""

    def exit(self) -> None:
        self.runner.close()


def _runner(name: str, config: Config, host: Host, state: WorkerState) -> Any:
    """Return what runs async jobs such as *name*; only now is greenlet imported."""
    try:
        module = importlib.import_module(".runner", __package__)
    except ModuleNotFoundError as error:
        if error.name != "greenlet":
            raise
        raise ConfigError(
            f"{name} is async, and such jobs need greenlet, which is not installed: "
            "pip install 'kiq[async]'"
        ) from error
    return module.Runner(config, host, state)
