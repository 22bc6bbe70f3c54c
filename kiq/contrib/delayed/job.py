"""A job as hooks, ``delay_jobs`` and tests see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...api import JobRecord
from ...codec import encode
from .references import listed, said


class Job:
    """One job: before its push, as it waits, or as it runs.

    A hook ``enqueue`` may set *queue*, *priority* and *run_at* (an aware datetime, epoch seconds, or None).
    *attempts* is how many have failed. *jid* is "" before the push. What is read does not change by itself.
    """

    def __init__(
        self,
        payload: Mapping[str, Any],
        run_at: float | datetime | None = None,
        make: Callable[[], Any] | None = None,
    ) -> None:
        """*make* returns the object whose job it is."""
        self._record = JobRecord(encode({"args": [], **payload}, "msgpack"))
        self._make = make
        self.jid = self._record.jid
        self.queue: str = payload.get("queue") or "default"
        self.priority: Any = payload.get("priority") or 0
        self.run_at = run_at

    def __repr__(self) -> str:
        return (
            f"<Job {self.name} jid={self.jid or '?'} queue={self.queue} priority={self.priority}>"
        )

    @property
    def id(self) -> str:
        """The jid, as Delayed Job calls it."""
        return self.jid

    @property
    def name(self) -> str:
        """What it does: ``shop.models.User.activate``, or the class of a custom job."""
        return self._record.class_name

    @property
    def handler(self) -> str:
        """What it is about, for people: the object by its key and what is shown of it, the arguments."""
        arguments = [*map(said, self._record.args)]
        arguments += [f"{key}={said(value)}" for key, value in self._record.kwargs.items()]
        return f"{self.name}({listed(arguments)})"

    @property
    def payload_object(self) -> Any:
        """The custom job, or the method's call; references are followed, and raise what they raise."""
        return None if self._make is None else self._make()

    @property
    def attempts(self) -> int:
        """How many attempts have failed."""
        count = self._record.retry_count
        return 0 if count is None else count + 1

    @property
    def max_attempts(self) -> int | None:
        """How many attempts it has at most; None where that is the worker's own number."""
        retry = self._record["retry"]
        return retry + 1 if isinstance(retry, int) and not isinstance(retry, bool) else None

    @property
    def last_error(self) -> str | None:
        """Class and message of the last failure."""
        record = self._record
        return f"{record.error_class}: {record.error_message}" if record.error_class else None

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        return _moment(self._record.created_at)

    @property
    def failed_at(self) -> datetime | None:
        """When it failed first. (In Delayed Job: for good; those are in the dead set here.)"""
        return _moment(self._record.failed_at)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
