"""Which app is the current one, and the tasks that go by whichever that is."""

from __future__ import annotations

from typing import Any

#: Tasks of ``shared_task``, by name.
shared: dict[str, Any] = {}
#: The apps of this process; the last is the current one.
apps: list[Any] = []


def forget() -> None:
    """Forget all of them: for tests."""
    shared.clear()
    apps.clear()
