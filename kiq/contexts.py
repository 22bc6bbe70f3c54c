"""What layers of middleware get: one push, or one run."""

from __future__ import annotations

from typing import Any, ClassVar

from .registry import JobSpec, registry
from .worker_state import WorkerState

Payload = dict[str, Any]


class ClientContext:
    """One push (or promotion) as client middleware sees it.

    *payload* is the dict that will be written: change it in place. *job_class* is the class, or the
    name where only that is known. *promoting* is True when a due job moves to its queue; then the
    layer must be repeatable per jid.
    """

    __slots__ = ("job_class", "payload", "promoting")

    def __init__(self, payload: Payload, job_class: Any, promoting: bool = False) -> None:
        self.payload = payload
        self.job_class = job_class
        self.promoting = promoting

    @property
    def queue(self) -> str:
        """The queue that the job goes to."""
        return str(self.payload["queue"])


class ServerContext:
    """One run as server middleware sees it.

    *job* is the fresh instance (None for function jobs), *payload* a dict of this run alone:
    changes to it are seen by the job's run and never written back. *worker* is what belongs to the
    worker in which it runs, None where there is none. A layer that does not run the job may set
    *skipped*: why.
    """

    __slots__ = ("enclosed", "job", "job_class", "payload", "queue", "skipped", "worker")
    skipped: str

    #: Whether a worker runs it on a thread of its own, and not ``perform_inline`` amid other work.
    in_worker: ClassVar[bool] = False

    def __init__(self, payload: Payload, queue: str, job_class: Any, job: Any) -> None:
        self.payload = payload
        self.queue = queue
        self.job_class = job_class
        self.job = job
        self.worker: WorkerState | None = None
        self.enclosed: dict[str, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        spec = registry.find(self.payload.get("class", ""))
        known = spec if spec is not None and spec.target is self.job_class else self.job_class
        # As a state, not as arguments: the job refers to its context.
        return _blank, (), (self.payload, self.queue, known, self.job)

    def __setstate__(self, state: tuple[Payload, str, Any, Any]) -> None:
        self.payload, self.queue, known, self.job = state
        self.job_class = known.target if isinstance(known, JobSpec) else known
        self.worker = self.enclosed = None  # they are of one process

    @property
    def jid(self) -> str:
        """The job's id."""
        return str(self.payload.get("jid", ""))

    @property
    def token(self) -> str:
        """The name of the delivery that runs, as :attr:`kiq.settled.Settled.token`; "" outside a worker."""
        return ""

    def enclose(self, name: str, value: Any) -> None:
        """Let riders find *value* under *name* in ``verdict.enclosed``, whatever becomes of this run."""
        self.enclosed = {**(self.enclosed or {}), name: value}

    @property
    def interrupted(self) -> bool:
        """Whether the job is to end soon: its process stops, or it was cancelled."""
        return self.worker is not None and self.worker.ends(self.payload)


def _blank() -> ServerContext:
    return ServerContext.__new__(ServerContext)
