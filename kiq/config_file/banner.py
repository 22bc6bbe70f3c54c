"""What a process says of its configuration."""

from __future__ import annotations

import shlex

from ..config import Capsule, Config


def banner_lines(config: Config) -> list[str]:
    """Return what a process says of its configuration when it starts; holds no password."""
    lines = [
        f"environment: {config.environment}{_origin(config, 'environment')}",
        f"config file: {config.file or 'none'}",
    ]
    for capsule in config.capsules:
        prefix = "" if capsule.name == "default" else f"capsules.{capsule.name}."
        lines.append(
            f"capsule {capsule.name}: {capsule.mode} order, queues {queues_text(capsule)}"
            f"{_origin(config, prefix + 'queues')}, "
            f"{capsule.concurrency} threads{_origin(config, prefix + 'concurrency')}"
        )
    lines.append(f"codec: {config.codec}{_origin(config, 'codec')}")
    if config.codec == "json":
        lines.append(f"sidekiq: {config.sidekiq}{_origin(config, 'sidekiq')}")
    place = f"redis: {config.redis.masked_url}{_origin(config, 'redis.url')}"
    number = config.redis.options.get("db")
    if number is not None:
        place += f", database {number}{_origin(config, 'redis.db')}"
    if config.redis.namespace is not None:
        place += f", namespace {config.redis.namespace}{_origin(config, 'redis.namespace')}"
    return [*lines, place]


def queues_text(capsule: Capsule) -> str:
    """Return the queues as ``-q`` would take them: ``critical,6 default,3``, or names alone."""
    if capsule.mode == "strict":
        words = [f"{name}," if "," in name else name for name in capsule.queue_names]
    else:
        words = [f"{name},{weight}" for name, weight in capsule.queues]
    return " ".join(map(shlex.quote, words))


def _origin(config: Config, setting: str) -> str:
    origin = config.origins.get(setting)
    return f" ({origin})" if origin else ""
