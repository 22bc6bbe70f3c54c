"""The capsules that a process shows: its queues, and their weights."""

from __future__ import annotations

from typing import Any

from . import shown


def capsules_of(value: Any) -> dict[str, dict[str, Any]]:
    """Return name -> capsule, of those that are objects."""
    if not isinstance(value, dict):
        return {}
    return {name: capsule for name, capsule in value.items() if isinstance(capsule, dict)}


def queues_of(info: dict[str, Any], capsules: dict[str, dict[str, Any]]) -> list[str]:
    """Return the queues that a process takes, each once."""
    named = shown.texts(info.get("queues"))
    if not named:  # Sidekiq 9 is to name them in the capsules only
        named = [name for capsule in capsules.values() for name in _names(capsule.get("weights"))]
    return list(dict.fromkeys(named))


def weights_of(value: Any, capsules: dict[str, dict[str, Any]]) -> list[dict[str, int]]:
    """Return queue -> weight, for each capsule."""
    listed = (
        value if isinstance(value, list) else [each.get("weights") for each in capsules.values()]
    )
    return [
        {name: shown.whole(weight) for name, weight in each.items()}
        for each in listed
        if isinstance(each, dict)
    ]


def _names(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []
