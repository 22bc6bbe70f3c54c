"""The setting of health: where it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from ..features import Feature, declare
from .address import parse


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """*health* is ``host:port``, ``:port`` for all addresses, or the path of a socket; empty for none."""

    health: str = ""

    def __post_init__(self) -> None:
        try:
            parse(self.health)
        except ValueError as error:
            raise ValueError(f"health {error}") from None


declare(Feature("health", settings=HealthSettings, section=""))
