"""What rows of jobs have in common."""

from __future__ import annotations

import hashlib

from ...api import JobRecord

_ERROR = 300  # characters of an error


def key_of(job: JobRecord) -> str:
    """Return what names a job by its very bytes: another of the same jid is another row."""
    return hashlib.sha1(job.raw, usedforsecurity=False).hexdigest()


def error_of(job: JobRecord) -> str:
    """Return the last error of a job; "" for none."""
    if job.error_class is None:
        return ""
    message = (job.error_message or "").strip()[:_ERROR]
    return f"{job.error_class}: {message}" if message else job.error_class
