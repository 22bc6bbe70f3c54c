"""Who looks, and what they may do: a permission for each kind of action, and roles made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError

#: Each permission, and what it allows.
PERMISSIONS: Mapping[str, str] = {
    "look": "see pages and numbers, with secrets hidden",
    "pause": "pause and unpause queues and periodic jobs",
    "retry": "run jobs of the sets now or at another time",
    "cancel": "cancel jobs and batches",
    "signal": "make processes quiet, stop them, have them show their threads",
    "enqueue": "push jobs and copies of jobs, run periodic jobs now",
    "delete": "kill and delete jobs, clear queues and sets",
    "mark": "note a deploy",
    "unmask": "see arguments that are hidden from others",
}
_OPERATOR = frozenset({"look", "pause", "retry", "cancel", "signal", "mark"})
ROLES: Mapping[str, frozenset[str]] = {
    "reader": frozenset({"look"}),
    "operator": _OPERATOR,
    "admin": frozenset(PERMISSIONS),
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may look: *name* stands in the activity log, *may* answers for each permission."""

    name: str
    may: Callable[[str], bool]


#: What a mount is given: it returns who asks, or None for somebody who may not even look. It gets the
#: environ of WSGI, and is asked at each request, so that a right that is taken away is gone at once.
Policy = Callable[[dict[str, Any]], Visitor | None]


def visitor(name: str, role: str | Collection[str]) -> Visitor:
    """Return a visitor with a role (reader, operator, admin) or with the permissions given.

    Raises ConfigError for a role or permission that there is not.
    """
    if isinstance(role, str):
        if role not in ROLES:
            raise ConfigError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
        return Visitor(name, ROLES[role].__contains__)
    unknown = sorted(set(role) - set(PERMISSIONS))
    if unknown:
        there = ", ".join(PERMISSIONS)
        raise ConfigError(f"there is no permission {unknown[0]!r}; there are {there}")
    return Visitor(name, frozenset(role).__contains__)


def everyone(role: str | Collection[str]) -> Policy:
    """Return a policy that lets in everyone who reaches it: for what a login of yours stands before."""
    anyone = visitor("anyone", role)
    return lambda _environ: anyone


def checked(policy: Callable[..., Any] | None) -> None:
    """Raise ConfigError for a policy that can't be asked: a mount without one shows nothing to anybody."""
    if not callable(policy):
        raise ConfigError(
            f"policy= takes a function that returns who asks, not {policy!r}; behind a login of"
            ' your own: kiq.web.everyone("reader")'
        )
