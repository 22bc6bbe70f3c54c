"""The plugin: gives a worker an event loop if it has jobs that need one."""

from __future__ import annotations

import importlib
from typing import Any, cast

from ...config import Config
from ...errors import ConfigError
from ...plugin import AsyncRunner, Host
from ...registry import Registry
from ..declared import AsyncSettings


class AsyncJobs:
    """Runs ``async def`` jobs. A worker without such jobs gets neither loop nor thread."""

    name = "asyncio_jobs"

    def __init__(self) -> None:
        self._runner: Any = None

    def install(self, host: Host) -> None:
        """Be asked for an event loop at the start; end it last."""

        def make(config: Config, registry: Registry) -> AsyncRunner | None:
            names = sorted({spec.name for spec in registry.all() if spec.is_async})
            self._runner = runner = _runner(names[0], config, host) if names else None
            host.info["async_concurrency"] = (
                config.of(AsyncSettings).async_concurrency if names else 0
            )
            return cast(AsyncRunner | None, runner)

        host.async_runner = make
        host.on("exit")(self._close)

    def _close(self) -> None:
        if self._runner is not None:
            self._runner.close()


def _runner(name: str, config: Config, host: Host) -> Any:
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
    return module.Runner(config, host)
