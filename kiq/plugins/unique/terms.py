"""What a payload says of how its job is unique."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import ConfigError
from ..declared.unique import unique
from .digest import key_of

FIELD = "unique"
_STARTS = ("until_start", "until_and_while_executing")
_RUNS = ("while_executing", "until_and_while_executing")


class Terms(NamedTuple):
    """How a job is unique: *key* is what it has in common with others, *lock* the kind of lock."""

    key: str
    lock: str
    on_conflict: str
    ttl: float | None

    @property
    def waits(self) -> bool:
        """Whether there is a lock from the push on."""
        return self.lock != "while_executing"

    @property
    def ends_at_start(self) -> bool:
        """Whether that lock is free when the job starts."""
        return self.lock in _STARTS

    @property
    def runs_alone(self) -> bool:
        """Whether there is a lock while the job runs."""
        return self.lock in _RUNS

    @property
    def newest_wins(self) -> bool:
        """Whether a job may be replaced by a later one."""
        return self.on_conflict in ("replace", "reschedule")

    @property
    def asked_at_start(self) -> bool:
        """Whether a start costs a round trip."""
        return self.ends_at_start or self.runs_alone or self.newest_wins


def terms_of(payload: Mapping[str, Any]) -> Terms | None:
    """Return what *payload* says; None where the job is not unique, or what stands there is of others."""
    said = payload.get(FIELD)
    if not isinstance(said, dict) or not isinstance(said.get("key"), str):
        return None
    ttl = said.get("ttl")
    known = isinstance(ttl, int | float) and not isinstance(ttl, bool)
    lock, policy = str(said.get("lock")), str(said.get("on_conflict", "skip"))
    return Terms(said["key"], lock, policy, float(ttl) if ttl is not None and known else None)


def stamp(payload: dict[str, Any]) -> None:
    """Write into *payload* what it has in common with others, once. Raises ConfigError."""
    said = payload[FIELD]
    if not said or (isinstance(said, dict) and "key" in said):
        return
    try:
        form = unique(said)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{payload['class']}: unique: {error}") from None
    payload[FIELD] = {**form, "key": key_of(payload, form.get("by"))}
