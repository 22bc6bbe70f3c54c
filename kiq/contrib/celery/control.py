"""``app.control``: what it has of Celery's."""

from __future__ import annotations

from typing import Any

from ...plugins.cancelling import cancel


class Control:
    """Cancels tasks. Other names raise AttributeError, with the commands that do it."""

    def revoke(self, task_id: Any, *_others: Any, **_options: Any) -> None:
        """Cancel a task, or several, by id."""
        for each in [task_id] if isinstance(task_id, str) else task_id:
            cancel(each)

    terminate = revoke

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"app.control has no {name!r} here; see kiq ps, kiq queues, kiq quiet, kiq stop, kiq pause "
            "(docs/cli.md) and kiq.api (docs/api.md)"
        )
