"""Methods that other job systems have: looking one up says what to write here."""

from __future__ import annotations

from typing import Any


class Elsewhere:
    """A method that other job systems have: looking it up says what to write here."""

    def __init__(self, instead: str) -> None:
        self._instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        job = getattr(instance, "__name__", owner.__name__)  # a function job is an instance
        raise AttributeError(f"{job} has no {self._name}(); write {job}.{self._instead}")
