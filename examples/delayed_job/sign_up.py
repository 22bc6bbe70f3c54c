"""Somebody signs up."""

from __future__ import annotations

from jobs import HelloEmailJob
from models import User

from kiq.contrib import delayed
from kiq.contrib.delayed import delay

user = User.create("Ann", "ann@example.org")
delay(user, priority=-5).activate(3)
delayed.enqueue(HelloEmailJob(user), priority=5)
print(f"{delayed.count()} jobs wait")
