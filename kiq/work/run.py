"""One run of a job in a worker: what its layers get, with what the executor has to know about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..middleware import ServerContext
from ..registry import JobSpec
from ..verdict import OF_RUNS, Taken, Verdict
from ..worker_state import WorkerState

_new_run = object.__new__


class Run(ServerContext):
    """A run with what the executor itself needs to know about it."""

    #: *task*, on the event loop alone: what runs it; ``task.throw(error)`` ends it from any thread.
    __slots__ = ("performed", "spec", "taken", "task")
    in_worker = True
    performed: bool
    spec: JobSpec
    taken: Taken
    task: Any

    @property
    def token(self) -> str:
        """The name of the delivery that runs."""
        return f"{self.taken.flight.owner} {self.taken.delivery}"

    def __copy__(self) -> Run:
        twin = _new_run(_Twin)
        twin.original = self
        for name in ("payload", "queue", "spec", "job_class", "job", "worker", "taken", "task"):
            if hasattr(self, name):
                setattr(twin, name, getattr(self, name))
        return twin


class _Twin(Run):
    """A copy that a layer made, to run the job with: the run itself hears of it."""

    __slots__ = ("original",)
    original: Run

    @property
    def performed(self) -> bool:
        return self.original.performed

    @performed.setter
    def performed(self, value: bool) -> None:
        self.original.performed = value

    @property
    def enclosed(self) -> dict[str, Any] | None:
        return self.original.enclosed

    @enclosed.setter
    def enclosed(self, value: dict[str, Any] | None) -> None:
        self.original.enclosed = value


def run_of(taken: Taken, payload: dict[str, Any], spec: JobSpec, worker: WorkerState) -> Run:
    """Return the run of *taken*, whose job is *payload*, in *worker*."""
    run = _new_run(Run)  # not Run(...): going through its __init__ costs 0.1 µs a job
    run.payload = payload
    run.taken = taken
    run.enclosed = None
    run.queue = taken.flight.queue
    run.spec = spec
    run.job_class = spec.target
    run.job = spec.make()
    run.worker = worker
    run.performed = False
    run.skipped = "a server middleware did not run it"
    return run


def with_enclosed(verdict: Verdict, run: Run | None) -> Verdict:
    """Return *verdict* with what features have enclosed in *run*."""
    if run is None or run.enclosed is None or not isinstance(verdict, OF_RUNS):
        return verdict
    return replace(verdict, enclosed=run.enclosed)
