"""Which failures are the same: of one class, by one error, whose message differs in details only. Pure."""

from __future__ import annotations

import hashlib
import re

from .job_record import JobRecord

_LONGEST = 300  # characters of a message that count
#: What differs from failure to failure, and what stands for it.
_DETAILS = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "…"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "…"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "…"),
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`"), "…"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "…"),
    (re.compile(r"\s+"), " "),
)


def in_general(message: str) -> str:
    """Return *message* without what is of one failure alone: numbers, quoted names, addresses, ids."""
    said = message[:_LONGEST]
    for details, instead in _DETAILS:
        said = details.sub(instead, said)
    return said.strip()


def fingerprint(job: JobRecord) -> str:
    """Return twelve hex digits that failures of one kind have in common; "" for a job that never failed."""
    if job.error_class is None and job.error_message is None:
        return ""
    kind = (job.display_class, job.error_class or "", in_general(job.error_message or ""))
    written = "\0".join(kind).encode("utf-8", "surrogateescape")
    return hashlib.sha1(written, usedforsecurity=False).hexdigest()[:12]
