"""``kiq.configure``: what the producers of this process, and a worker's application, set in code."""

from __future__ import annotations

import importlib
import os
from typing import Any

from .client import configured, use_settings
from .config import SHARED, Redis


def configure(
    file: str | os.PathLike[str] | None = None,
    *,
    redis: Any = None,
    codec: str | None = None,
    sidekiq: int | None = None,
    max_payload: int | None = None,
    push_buffer: int | None = None,
) -> None:
    """Set where and how this process pushes; may be called again, and applies from then on.

    *file* is a kiq.yml: the producer then has the worker's settings. *redis* is a URL
    (``redis://``, ``rediss://``, ``unix://``, ``embedded``), a ``kiq.config.Redis``, or a
    ``redis.Redis`` of your own, whose settings are copied. *codec* is ``msgpack`` or ``json``,
    *sidekiq* the major version of Ruby's Sidekiq that reads the jobs (8, 7 or 6),
    *max_payload* bytes; *push_buffer* is how many jobs are kept in memory while Redis can't be
    reached (0, the default: none). Environment variables (``KIQ_REDIS_URL``, ``KIQ_CODEC``,
    ``KIQ_SIDEKIQ``, ``KIQ_PUSH_BUFFER``) win over what is given here; ``REDIS_URL`` does not. No network
    is touched. Raises ConfigError.
    """
    # By name: who configures nothing must not pay for reading settings, nor who has no file for YAML.
    reader = importlib.import_module("kiq.config_file")
    here = {
        "redis": Redis(url=redis) if isinstance(redis, str) else redis,
        "codec": codec,
        "sidekiq": sidekiq,
        "max_payload": max_payload,
        "push_buffer": push_buffer,
    }
    here = {name: value for name, value in here.items() if value is not None}
    reader.settings(here, only=SHARED, environ={})  # for their mistakes alone
    given = dict(configured())
    if file is not None:
        document = reader.read(os.fspath(file))
        # And for those of the whole file; of plugins a producer has none.
        reader.settings({reader.FILE: document}, pending=True)
        given = {name: it for name, it in given.items() if name == reader.STARTED}
        given[reader.FILE] = document
    use_settings(given | here)
