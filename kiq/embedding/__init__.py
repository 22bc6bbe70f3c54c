"""``kiq.embed``: a worker inside another program: a web server, a script, a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .. import config_file
from ..client import configured, use_settings
from .worker import EmbeddedWorker

__all__ = ["EmbeddedWorker", "embed"]

Queues = Sequence[str] | Mapping[str, int]


def embed(
    config: str | os.PathLike[str] | None = None,
    *,
    concurrency: int | None = None,
    queues: str | Queues | None = None,
    timeout: float | None = None,
    require: str | Sequence[str] | None = None,
    environment: str | None = None,
    tag: str | None = None,
) -> EmbeddedWorker:
    """Return a worker for this process, not started yet: ``with kiq.embed(queues=["default"]): ...``.

    *config* is a kiq.yml; without one none is looked for. The keywords come before it, and before
    variables: *concurrency* is a number of threads (2 where nothing says another), *queues* are names, or
    names with weights, *timeout* is seconds that running jobs have at a stop, *require* names modules to
    import. Where Redis is, ``kiq.configure`` says, or *config*. Signal handlers, the log and the exit of
    the process stay the program's. No round trips. Raises ConfigError.
    """
    if isinstance(queues, Mapping):
        queues = [f"{name},{weight}" for name, weight in queues.items()]
    given = {
        "concurrency": concurrency,
        "queues": [queues] if isinstance(queues, str) else queues and list(queues),
        "timeout": timeout,
        "require": [require] if isinstance(require, str) else require and list(require),
        "environment": environment,
        "tag": tag,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    if config is not None:
        use_settings(dict(configured()) | config_file.started(os.fspath(config), {}))
    worker = EmbeddedWorker(flags)
    worker.settings(pending=True)  # for its mistakes, here and now
    return worker
