"""What happened to a job: its attempts, and what it logged, where its class asks for that.

See docs/history.md.
"""

from __future__ import annotations

from .plugin import History, attach
from .reader import JobAttempt, attempts, job_log

__all__ = ["History", "JobAttempt", "attach", "attempts", "job_log"]
