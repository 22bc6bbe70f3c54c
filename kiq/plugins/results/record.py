"""What a job came to: as it is written when it ends, and as it is read."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...codec import Codec, decode, encode
from ...errors import ArgumentError, JobFailed, ResultMissing, UndecodablePayload
from ...raised import message_of, name_of
from .progress import Progress, progress_of

_LABEL = "="  # a value is written as the only argument of a job of this class
_LONGEST_TEXT = 2_000  # characters of what an error says


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the job *jid* came to.

    *status* is "done", "dead", "discarded" or "deleted", in attempt *attempt* (1 for the first), at
    *ended_at* (epoch seconds, by Redis's clock). Of a job that failed, *error_class*, *error_message* and
    *backtrace* (text, the innermost line last) are those of its last attempt. *why* says in words why there
    is no value, or why it was discarded. *progress* is the last that it told.
    """

    jid: str
    status: str
    job_class: str
    attempt: int = 1
    ended_at: float = 0.0
    error_class: str = ""
    error_message: str = ""
    backtrace: str = ""
    why: str = ""
    progress: Progress | None = None
    kept: tuple[Any, ...] = ()
    died_at: bytes = b""

    @property
    def value(self) -> Any:
        """What ``perform`` returned. Raises JobFailed if it ended otherwise, ResultMissing if not kept."""
        if self.status != "done":
            raise self.failure()
        if not self.kept:
            what = f"job {self.jid} ({self.job_class}) is done; its result is not kept: {self.why}"
            raise ResultMissing(what, self.jid)
        return self.kept[0]

    def failure(self) -> JobFailed:
        """Return the error of a job that did not get done."""
        said = ": ".join(part for part in (self.error_class, self.error_message) if part)
        words = {
            "dead": f"failed for good at attempt {self.attempt}",
            "deleted": "was deleted by hand",
            "discarded": "was dropped",
        }
        what = f"job {self.jid} ({self.job_class}) {words.get(self.status, self.status)}"
        details = "; ".join(part for part in (said, self.why) if part)
        error = JobFailed(f"{what}: {details}" if details else what, self.jid)
        error.status, error.attempt = self.status, self.attempt
        error.error_class, error.error_message = self.error_class, self.error_message
        error.backtrace = self.backtrace
        return error


@dataclass(frozen=True, slots=True)
class Error:
    """What a job raised, in words."""

    name: str = ""
    message: str = ""
    backtrace: str = ""

    @property
    def brief(self) -> str:
        """Class and message."""
        return ": ".join(part for part in (self.name, self.message) if part)


def kept(value: Any, codec: Codec, most: int) -> tuple[bytes, str]:
    """Return *value* as it is kept, and why it can't be: one of them is empty. Raises nothing."""
    try:
        raw = encode({"class": _LABEL, "args": [value]}, codec)
    except ArgumentError as error:
        said = str(error).removeprefix(f"{_LABEL}: ").replace("args[0]", "the result", 1)
        said = said.replace("; pass ", "; return ", 1)
        return b"", text(f"it can't travel: {said}")
    except Exception as error:  # noqa: BLE001 (a value of any kind: the job is done all the same)
        return b"", text(f"it can't travel: {name_of(error)}: {message_of(error)}")
    if len(raw) > most:
        return b"", f"it is {len(raw):,} bytes long, and result_max_bytes is {most:,}"
    return raw, ""


def written(about: Mapping[str, Any], value: bytes = b"") -> bytes:
    """Return the record of a job that has ended: *about* it, and its *value* as :func:`kept` gave it."""
    if len(about) == 2 and about["status"] == "done":  # the usual case, 2 µs less
        return _done(about["of"]) + value
    return _head(about) + value


def _head(about: Mapping[str, Any]) -> bytes:
    raw = json.dumps(about, separators=(",", ":")).encode()
    return b"%d|%s" % (len(raw), raw)


@functools.lru_cache(maxsize=1024)
def _done(job_class: str) -> bytes:
    return _head({"status": "done", "of": job_class})


def outcome_of(jid: str, record: bytes | None) -> Outcome | None:
    """Return what the record of *jid* in Redis says; None where there is none, or it is none of ours."""
    if record is None:
        return None
    try:
        ended_at, died_at, size, rest = record.split(b"|", 3)
        about, value = json.loads(rest[: int(size)]), rest[int(size) :]
        read = tuple(decode(value)[0]["args"]) if value else ()
        attempt, said = int(about.get("attempt", 1)), about.get("error")
        error = said if isinstance(said, dict) else {}
        return Outcome(
            jid,
            str(about["status"]),
            str(about.get("of", "?")),
            attempt,
            float(ended_at),
            str(error.get("class", "")),
            str(error.get("message", "")),
            str(error.get("backtrace", "")),
            why=str(about.get("why", "")),
            progress=progress_of(about.get("progress"), attempt),
            kept=read,
            died_at=died_at,
        )
    except (ValueError, KeyError, TypeError, AttributeError, UndecodablePayload):
        return None


def text(value: Any) -> str:
    """Return *value* as text of a length that is kept."""
    said = str(value)
    said = said if len(said) <= _LONGEST_TEXT else f"{said[:_LONGEST_TEXT]}…"
    return said.encode("utf-8", "replace").decode()
