"""What Delayed Job has and this package has not, and what to write here."""

from __future__ import annotations

_INSTEAD = {
    "Worker": "delayed.worker for its settings, `kiq jobs work` for one that works",
    "send_later": "delay(found).method(...)",
    "send_at": "delay(found, run_at=when).method(...)",
    "Plugin": "kiq.host.install (docs/plugins.md)",
    "DeserializationError": "delayed.RefNotFound",
    "PerformableMethod": "delayed.last().payload_object",
    "PerformableMailer": "delayed.Mailer",
    "Lifecycle": "kiq.host.on, kiq.host.around_perform (docs/middleware.md)",
    "all": "kiq.api.Queue, ScheduledSet, RetrySet",
    "delete_all": "`kiq jobs clear`",
    "delay_jobs": "delayed.worker.delay_jobs",
    "max_attempts": "delayed.worker.max_attempts",
}


def missing(name: str) -> str:
    """Return what to tell who asks for *name*."""
    instead = _INSTEAD.get(name)
    said = f"; here it is: {instead}" if instead else ""
    return f"kiq.contrib.delayed has no {name!r}{said}"
