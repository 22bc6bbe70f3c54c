"""What features add to what users write: options of job classes, and settings."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import PluginError

#: Returns the form in which an option travels; raises ValueError: "must be a colour, not 5".
Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Between:
    """The range of a setting that is a number: ``Annotated[float, Between(1, 60, "seconds")]``."""

    low: float
    high: float
    unit: str = ""


class Secret:
    """Marks a setting that no message may show: ``Annotated[str, Secret]``."""


@dataclass(frozen=True, slots=True)
class Written:
    """How a setting is written whose value is a whole number: ``Annotated[int, Written(size)]``.

    *parse* gets the text or the number that stands there; raises ValueError: "must be a size, as in 400MB".
    """

    parse: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class Named:
    """How a setting is written that is a mapping of names: ``Annotated[dict[str, X], Named(parse)]``.

    *parse* gets a name, what stands under it as Python values, and its line in the file (None: it is not
    from one); what it returns is the value of that name. It raises ValueError, whose attribute *key*, if
    it has one, says which key is wrong.
    """

    parse: Callable[[str, dict[str, Any], int | None], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """What one feature adds to what users write, see docs/plugins.md.

    *options* of job classes, each with its check, travel in payloads. *settings*, a frozen dataclass with
    a default for each, stand in files under the key *section*: the feature's name where it is None, the
    top level where it is "".

    *plugin* is what is installed where *wanted*, asked with the settings once the application is imported,
    says so. *problems* yields pairs (line or None, message): what is wrong with the settings then.
    """

    name: str
    options: Mapping[str, Check] = field(default_factory=dict)
    settings: type | None = None
    section: str | None = None
    plugin: str = ""
    wanted: Callable[[Any], bool] | None = None
    problems: Callable[[Any], Iterable[tuple[int | None, str]]] | None = None


_declared: dict[str, Feature] = {}
#: Fields of a payload that are no options: what a job is, and what became of it.
_FIELDS = (
    *(
        "class",
        "args",
        "kwargs",
        "jid",
        "bid",
        "at",
        "created_at",
        "enqueued_at",
        "wrapped",
        "cattr",
    ),
    *("retry_count", "failed_at", "retried_at", "error_message", "error_class", "error_backtrace"),
)


def declare(feature: Feature) -> None:
    """Let users write what *feature* adds; at the top of a module that they import before they do.

    Raises PluginError for an option that another feature has.
    """
    for option in feature.options:
        owners = [other.name for other in declared() if option in other.options]
        owners = ["every job"] if option in _FIELDS else owners
        if owners and owners != [feature.name]:
            raise PluginError(f"{feature.name}: {option!r} can't be an option: {owners[0]} has it")
    _declared[feature.name] = feature


def load() -> None:
    """Learn what the features declare that kiq comes with: done where that is looked at first."""
    # By name: the house imports no wing, and who uses none of it does without.
    importlib.import_module("kiq.plugins.declared")


def declared() -> tuple[Feature, ...]:
    """Return what was declared until now."""
    return tuple(_declared.values())


def options() -> dict[str, Check]:
    """Return the options that were declared until now."""
    return {name: check for each in declared() for name, check in each.options.items()}
