"""How far a job has come: as it is told, as it is written, and as it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_NOTE = 500  # characters


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come, as it told it last.

    *done* of *total* (None: it did not say), in the job's own unit; *note* is what it does. *at* is when
    it said so (epoch seconds, by the clock of its machine), in attempt *attempt* (1 for the first).
    """

    done: float
    total: float | None
    note: str
    at: float
    attempt: int = 1
    begun: float = 0.0
    spent: float = 0.0

    @property
    def percentage(self) -> float | None:
        """Hundredths of what is to be done, 0 to 100; None where the job did not say how much that is."""
        if not self.total or self.total < 0:
            return None
        return min(100.0, max(0.0, 100.0 * self.done / self.total))

    @property
    def time_left(self) -> float | None:
        """Estimated seconds, from *at*, until all is done; None where nothing tells.

        From what was done since the first word of this attempt: the rate is taken to stay as it was.
        """
        gained = self.done - self.begun
        if self.total is None or gained <= 0 or self.spent <= 0:
            return None
        return max(0.0, self.total - self.done) * self.spent / gained

    def form(self) -> dict[str, Any]:
        """Return it as it is written."""
        form: dict[str, Any] = {"done": self.done, "at": round(self.at, 3)}
        form["spent"], form["begun"] = round(self.spent, 3), self.begun
        if self.total is not None:
            form["total"] = self.total
        if self.note:
            form["note"] = self.note
        return form


def short(note: str) -> str:
    """Return *note* in the length that is kept, and as Redis can have it."""
    text = note if len(note) <= _LONGEST_NOTE else f"{note[:_LONGEST_NOTE]}…"
    return text.encode("utf-8", "replace").decode()


def progress_of(form: Any, attempt: int) -> Progress | None:
    """Return what :meth:`Progress.form` gave; None for what is no such thing: looking never raises."""
    if not isinstance(form, Mapping) or not _number(form.get("done")):
        return None
    note, total = form.get("note"), form.get("total")
    numbers = {name: form[name] for name in ("at", "begun", "spent") if _number(form.get(name))}
    return Progress(
        form["done"],
        total if _number(total) else None,
        note if isinstance(note, str) else "",
        numbers.get("at", 0.0),
        attempt,
        numbers.get("begun", 0.0),
        numbers.get("spent", 0.0),
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Underway:
    """What is known of a job that has not ended: its *attempt*, and how far it came.

    *state* is "running", "retrying" or "scheduled": then it is due at *due* (epoch seconds), after
    *error*, "class: message", if it failed.
    """

    state: str
    attempt: int
    progress: Progress | None = None
    due: float | None = None
    error: str = ""

    def written(self) -> bytes:
        """Return it as it is written."""
        form: dict[str, Any] = {"state": self.state, "attempt": self.attempt}
        if self.progress is not None:
            form["progress"] = self.progress.form()
        if self.due is not None:
            form["due"] = round(self.due, 3)
        if self.error:
            form["error"] = self.error
        return json.dumps(form, separators=(",", ":"), ensure_ascii=True).encode()


def underway_of(raw: bytes | None) -> Underway | None:
    """Return what :meth:`Underway.written` gave; None for what is no such thing."""
    try:
        form = json.loads(raw) if raw is not None else None
    except ValueError:
        return None
    if not isinstance(form, dict) or not isinstance(form.get("attempt"), int):
        return None
    attempt, due, error = form["attempt"], form.get("due"), form.get("error")
    return Underway(
        str(form.get("state")),
        attempt,
        progress_of(form.get("progress"), attempt),
        due if _number(due) else None,
        error if isinstance(error, str) else "",
    )
