"""A job as it lies in Redis, for people to look at: nothing about it may raise."""

from __future__ import annotations

import binascii
import zlib
from typing import Any

from ..backtrace import backtrace_of
from ..clock import wall
from ..codec import decode
from ..config import check_queue_name
from ..errors import ConfigError, UndecodablePayload
from ..options import DEFAULTS
from ..payload import MILLISECONDS_FROM
from ..priority import FIELD

_MOST = 2.0**53
UNDECODABLE = "(undecodable)"


class JobRecord:
    """One job, read from its bytes.

    *raw* is the very bytes. *problem* is None, or why the bytes are no job: then *class_name* is
    ``"(undecodable)"``, *jid* is empty, and *args* is a list of the bytes. Times are epoch seconds,
    None where the payload has none.
    """

    def __init__(self, raw: bytes, queue: str | None = None) -> None:
        self.raw = raw
        self.problem: str | None = None
        self._queue = queue
        try:
            self.payload: dict[str, Any] = decode(raw)[0]
        except UndecodablePayload as error:
            self.problem = str(error)
            self.payload = {"class": UNDECODABLE, "args": [raw]}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.class_name} jid={self.jid or '?'}>"

    def __getitem__(self, field: str) -> Any:
        """Return the payload's *field*; None where it has none."""
        return self.payload.get(field)

    @property
    def jid(self) -> str:
        """The job's id; empty where there is none."""
        return self._text("jid") or ""

    @property
    def class_name(self) -> str:
        """The name of the job class."""
        return str(self.payload["class"])

    @property
    def display_class(self) -> str:
        """The name to show to people: the payload's own, that of a wrapped ActiveJob, or the class's."""
        return self._text("display_class") or self._text("wrapped") or self.class_name

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        found = self.payload.get("tags")
        return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []

    @property
    def bid(self) -> str | None:
        """The id of its batch."""
        return self._text("bid")

    @property
    def args(self) -> list[Any]:
        """The positional arguments."""
        return list(self.payload["args"])

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        found = self.payload.get("kwargs")
        return dict(found) if isinstance(found, dict) else {}

    @property
    def queue(self) -> str | None:
        """The queue that the job is in, or goes to; None where no queue can be called so."""
        if self._queue is not None:
            return self._queue
        if self.problem is not None:
            return None
        name = self.payload.get("queue", DEFAULTS["queue"])
        try:
            check_queue_name(name)
        except (ConfigError, TypeError):
            return None
        return str(name)

    @property
    def priority(self) -> str | int | None:
        """The priority that it was pushed with: a name or a number, see ``priority=``; None for none."""
        found = self.payload.get(FIELD)
        return found if isinstance(found, str | int) and not isinstance(found, bool) else None

    @property
    def created_at(self) -> float | None:
        """When the job was made."""
        return self._time("created_at")

    @property
    def enqueued_at(self) -> float | None:
        """When the job entered a queue last by a push or a promotion."""
        return self._time("enqueued_at")

    @property
    def failed_at(self) -> float | None:
        """When it failed first."""
        return self._time("failed_at")

    @property
    def retried_at(self) -> float | None:
        """When a retry of it failed last."""
        return self._time("retried_at")

    @property
    def latency(self) -> float:
        """For how many seconds the job has waited since it was enqueued, else made; 0 if unknown."""
        since = self.enqueued_at or self.created_at
        return 0.0 if since is None else max(0.0, wall() - since)

    @property
    def retry_count(self) -> int | None:
        """How many retries have failed, the first being 0; None where the job never failed."""
        count = self.payload.get("retry_count")
        return count if isinstance(count, int) and not isinstance(count, bool) else None

    @property
    def error_class(self) -> str | None:
        """The class of the last error."""
        return self._text("error_class")

    @property
    def error_message(self) -> str | None:
        """The message of the last error."""
        return self._text("error_message")

    @property
    def error_backtrace(self) -> list[str]:
        """The traceback of the last error, innermost line first; [] if none was kept, or is broken."""
        try:
            return backtrace_of(self.payload)
        except (binascii.Error, zlib.error, ValueError, TypeError, RecursionError):
            return []

    def _text(self, field: str) -> str | None:
        value = self.payload.get(field)
        return value if isinstance(value, str) else None

    def _time(self, field: str) -> float | None:
        """Read whole milliseconds (kiq, Sidekiq 8) or seconds (7)."""
        value = self.payload.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            return None
        return value / 1000 if value >= MILLISECONDS_FROM else float(value)
