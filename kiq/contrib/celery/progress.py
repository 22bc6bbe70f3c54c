"""``update_state``: how far a run has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ConfigError
from ...reporting import progress


def report(task: Any, task_id: str | None, state: str | None, meta: Any) -> None:
    """Say it by kiq.progress; see ``Task.update_state``."""
    request = task.request
    if request.called_directly:
        return
    if task_id not in (None, request.id):
        raise ConfigError(f"{task.name}: a task says how far it has come itself, not {task_id}")
    if not isinstance(meta, Mapping) or not isinstance(meta.get("current"), int | float):
        raise ConfigError(
            f"{task.name}: update_state needs meta with 'current', and 'total' if it is known; what "
            "else a task has to tell, it returns"
        )
    progress(meta["current"], meta.get("total"), state)
