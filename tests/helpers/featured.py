"""A configuration out of settings by their names, those of features among them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from kiq.config import Config
from kiq.plugins.declared import (
    AsyncSettings,
    IterationSettings,
    PeriodicSettings,
    QueueLimitSettings,
    ResultSettings,
    TimeLimitSettings,
)

_KINDS: tuple[Any, ...] = (
    *(AsyncSettings, IterationSettings),
    *(PeriodicSettings, ResultSettings, TimeLimitSettings, QueueLimitSettings),
)


def config_of(**settings: Any) -> Config:
    """Return the configuration with *settings*, as a file would give it."""
    features = []
    for kind in _KINDS:
        names = {field.name for field in fields(kind)} & settings.keys()
        features.append(kind(**{name: settings.pop(name) for name in names}))
    return Config(features=tuple(features), **settings)
