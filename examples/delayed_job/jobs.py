"""A custom job: more logic, a priority, and hooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models import Mailer, User

from kiq.contrib import delayed


@dataclass
class HelloEmailJob:
    """Sends the greeting."""

    user: User
    queue_name = "mailers"
    max_attempts = 3

    def perform(self) -> None:
        Mailer.hello(self.user).deliver()

    def success(self, job: delayed.Job) -> None:
        print(f"{job.name} went well", flush=True)

    def failure(self, job: delayed.Job) -> None:
        print(f"given up: {job.handler}", flush=True)

    def reschedule_at(self, now: datetime, attempts: int) -> datetime:
        return now + timedelta(minutes=attempts)
