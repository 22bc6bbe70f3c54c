"""Tasks of Django for tests, which need Django 6.0; imported where ``TASKS`` names kiq's backend."""

from __future__ import annotations

from typing import Any

from django.tasks import TaskContext, task

#: What tasks have done.
done: list[Any] = []


@task(queue_name="mailers", priority=10)
def welcome(user: int, *, loud: bool = False) -> dict[str, Any]:
    done.append((user, loud))
    return {"user": user}


@task
async def later(number: int) -> int:
    return number + 1


@task(takes_context=True)
def fails_at_first(context: TaskContext) -> int:
    if context.attempt == 1:
        raise ValueError("not yet")
    return context.attempt


@task
def fails() -> None:
    raise LookupError("never")
