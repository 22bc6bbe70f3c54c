"""Whether tasks of a Django project are jobs of kiq."""

from __future__ import annotations

from typing import Any

from django.conf import settings

_CLASS = "BACKEND"  # of one of TASKS
_OURS = "kiq.contrib.django.tasks."


def pushes_tasks() -> bool:
    """Tell whether a backend of ``TASKS`` pushes jobs: then a worker has to know the tasks."""
    backends: Any = getattr(settings, "TASKS", None) or {}
    return any(str(each.get(_CLASS, "")).startswith(_OURS) for each in backends.values())
