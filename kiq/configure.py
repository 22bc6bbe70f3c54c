"""``kiq.configure``: what the producers of this process, and a worker's application, set in code."""

from __future__ import annotations

import importlib
import os
from typing import Any

from .client import configured, use_settings
from .config import SHARED, Redis, check_codec, check_push_buffer, check_sidekiq
from .errors import ConfigError
from .store.source import source_of


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
    settings: dict[str, Any] = dict(configured())
    if file is not None:
        # By name: a producer that has no file must not pay for a YAML parser.
        loader = importlib.import_module("kiq.config_file")
        config = loader.load(os.fspath(file))
        settings = {name: getattr(config, name) for name in SHARED}
    if redis is not None:
        source_of(redis, start=False)  # for its mistakes alone
        settings["redis"] = Redis(url=redis) if isinstance(redis, str) else redis
    if codec is not None:
        settings["codec"] = check_codec(codec)
    if sidekiq is not None:
        settings["sidekiq"] = check_sidekiq(sidekiq)
    if max_payload is not None:
        if isinstance(max_payload, bool) or not isinstance(max_payload, int) or max_payload < 1:
            raise ConfigError(f"max_payload is a number of bytes, not {max_payload!r}")
        settings["max_payload"] = max_payload
    if push_buffer is not None:
        settings["push_buffer"] = check_push_buffer(push_buffer)
    use_settings(settings)
