"""Queues with their weights, and the order that these ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..config import Mode, check_queue_name
from ..errors import ConfigError


def parse_queues(
    entries: Iterable[tuple[str, int | None]],
) -> tuple[tuple[tuple[str, int], ...], Mode]:
    """Return the queues with their weights, and the mode that these weights ask for.

    *entries* are pairs (queue, weight or None). No weight on any: strict, in the order given. Every
    weight given as 1: random. Otherwise weighted, where a queue without a weight counts 1. A
    repeated queue counts once. Raises ConfigError for a bad name or weight, for a queue that is
    given two weights, and when there is no queue at all.
    """
    weights: dict[str, int | None] = {}
    for name, weight in entries:
        check_queue_name(name)
        _check_weight(name, weight)
        if name in weights and weights[name] != weight:
            first, second = _weight_text(weights[name]), _weight_text(weight)
            raise ConfigError(f"queue {name} stands twice, with {first} and with {second}")
        weights[name] = weight
    if not weights:
        raise ConfigError("no queue is named: name at least one, as in queues: [default]")
    return tuple((name, weight or 1) for name, weight in weights.items()), _mode(weights)


def _check_weight(name: str, weight: int | None) -> None:
    if weight is None:
        return
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= 1000:
        raise ConfigError(
            f"the weight of queue {name} must be a whole number from 1 to 1000, not {weight!r}"
        )


def _weight_text(weight: int | None) -> str:
    return "no weight" if weight is None else f"weight {weight}"


def _mode(weights: Mapping[str, int | None]) -> Mode:
    if all(weight is None for weight in weights.values()):
        return "strict"
    if all(weight == 1 for weight in weights.values()):
        return "random"
    return "weighted"
