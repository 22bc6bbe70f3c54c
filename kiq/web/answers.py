"""What views return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page: a template and what it shows. Templates escape whatever they are given."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: the visitor goes to the page *to* of our own, which tells the *outcome*.

    *to* is the name of a route, *query* what its URL says. *noted*: the activity log has the
    outcome already.
    """

    outcome: str
    to: str
    query: Mapping[str, str] = field(default_factory=dict)
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A JSON document."""

    value: Any
    status: int = 200


Answer = Page | Done | Data
