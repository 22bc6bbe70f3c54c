"""``self.request``: what a task knows of its run."""

from __future__ import annotations

import socket
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ...context import current_job

_NO_SUCH = (
    "a request here has id, task, args, kwargs, retries, delivery_info, hostname, is_eager, "
    "called_directly, ignore_result, root_id and parent_id"
)


@dataclass(frozen=True, slots=True)
class Eager:
    """A run here and now: its id, and how often it was tried before."""

    id: str
    retries: int = 0


#: Set around a run here and now.
eager: ContextVar[Eager | None] = ContextVar("kiq_celery_eager", default=None)


@dataclass(slots=True)
class Request:
    """One run. *later* is a retry that was asked for with ``throw=False``."""

    task: str = ""
    id: str | None = None
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    delivery_info: dict[str, Any] = field(default_factory=dict)
    hostname: str = ""
    is_eager: bool = False
    called_directly: bool = True
    ignore_result: bool = True
    root_id: str | None = None
    parent_id: str | None = None
    later: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"request has no {name!r}: {_NO_SUCH}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return the attribute *name*, or *default*."""
        return getattr(self, name, default)


#: The run of this thread.
running: ContextVar[Request | None] = ContextVar("kiq_celery_request", default=None)


def request_of(name: str, args: Any, kwargs: Any) -> Request:
    """Return the request of the run that has begun here, of the task *name*."""
    job, here = current_job(), eager.get()
    payload = job.payload if job is not None else {}
    jid = here.id if here is not None else str(payload.get("jid", ""))
    retries = here.retries if here is not None else _retries(payload)
    queue = str(payload.get("queue", ""))
    return Request(
        task=name,
        id=jid,
        args=list(args),
        kwargs=dict(kwargs),
        retries=retries,
        delivery_info={"routing_key": queue, "exchange": "", "is_eager": here is not None},
        hostname=socket.gethostname(),
        is_eager=here is not None,
        called_directly=False,
        ignore_result=payload.get("result_ttl") is None,
        root_id=jid,
    )


def _retries(payload: dict[str, Any]) -> int:
    count = payload.get("retry_count")
    return count + 1 if isinstance(count, int) else 0
