"""``AsyncResult``: what a task comes to, on kiq's results; ``EagerResult`` of one that ran here."""

from __future__ import annotations

from typing import Any, NoReturn

from ...errors import ConfigError, JobFailed, ResultError
from ...plugins.cancelling import cancel
from ...plugins.results import Status, result

PENDING, STARTED, RETRY = "PENDING", "STARTED", "RETRY"
SUCCESS, FAILURE, REVOKED = "SUCCESS", "FAILURE", "REVOKED"
#: By the words of ``kiq.result(jid).status``.
STATES = {
    "waiting": PENDING,
    "scheduled": PENDING,
    "running": STARTED,
    "retrying": RETRY,
    "done": SUCCESS,
    "dead": FAILURE,
    "discarded": REVOKED,
    "deleted": REVOKED,
    "expired": PENDING,
    "unknown": PENDING,
}
_INSTEAD = {
    "forget": "nothing: a result expires by itself, result_expires seconds after the end",
    "then": "a task that is pushed at the end of the first",
    "collect": "kiq.results(jids)",
    "children": "kiq.Batch knows the jobs that belong together",
    "parent": "kiq.Batch knows the jobs that belong together",
    "graph": "kiq.Batch knows the jobs that belong together",
}


class AsyncResult:
    """What the task *id* comes to. Making one asks nobody. Threads: any."""

    def __init__(self, id: str, *_backend: Any, keeps: bool = True, **_others: Any) -> None:
        self.id = self.task_id = id
        self._keeps = keeps

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __str__(self) -> str:
        return str(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncResult) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __getattr__(self, name: str) -> Any:
        said = f"; write {_INSTEAD[name]}" if name in _INSTEAD else ""
        raise AttributeError(f"AsyncResult has no {name!r} here{said}")

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        disable_sync_subtasks: bool = True,
        **_others: Any,
    ) -> Any:
        """Return what the task returned; wait *timeout* seconds for that, None without end.

        Raises kiq.JobFailed where it failed (returns it if not *propagate*), TimeoutError, and in a task
        kiq.WaitRefused unless *disable_sync_subtasks* is False. Raises ConfigError where the task keeps
        no result.
        """
        if not self._keeps:
            raise ConfigError(
                "this task keeps no result: it has ignore_result, or the app has no backend; give "
                'Celery(..., backend="redis://")'
            )
        try:
            return result(self.id).get(timeout, inside_job=not disable_sync_subtasks)
        except JobFailed as failed:
            if propagate:
                raise
            return failed

    wait = get

    def look(self) -> Status:
        """Return what kiq knows of the task, wherever it is; see :meth:`kiq.Result.look`."""
        return result(self.id).look()

    @property
    def state(self) -> str:
        """One of Celery's words. PENDING is any that has not begun, or of which nothing is known."""
        known = self.look()
        if known.status == "running" and known.progress is not None and known.progress.note:
            return str(known.progress.note)
        return STATES[known.status]

    status = state

    @property
    def result(self) -> Any:
        """What it returned; the error if it failed; what update_state said while it runs; else None."""
        known = self.look()
        if known.outcome is not None:
            try:
                return known.outcome.value
            except ResultError as error:
                return error
        if known.progress is not None:
            return {"current": known.progress.done, "total": known.progress.total}
        return None

    info = result

    @property
    def traceback(self) -> str | None:
        """The innermost lines of the traceback of one that failed."""
        outcome = self.look().outcome
        return "\n".join(outcome.backtrace) if outcome is not None and outcome.backtrace else None

    def ready(self) -> bool:
        """Tell whether it has ended."""
        return result(self.id).ready()

    def successful(self) -> bool:
        """Tell whether it has ended well."""
        return self.look().status == "done"

    def failed(self) -> bool:
        """Tell whether it has failed for good."""
        return self.state == FAILURE

    def revoke(self, *_connection: Any, terminate: bool = False, **_others: Any) -> None:
        """Cancel it: what waits is dropped, and what runs gets kiq.Cancelled."""
        del terminate
        cancel(self.id)


class EagerResult:
    """What a task came to that ran here."""

    def __init__(self, id: str, value: Any, state: str, traceback: str | None = None) -> None:
        self.id = self.task_id = id
        self.result = self.info = value
        self.state = self.status = state
        self.traceback = traceback

    def __repr__(self) -> str:
        return f"<EagerResult: {self.id}>"

    def get(self, timeout: float | None = None, propagate: bool = True, **_others: Any) -> Any:
        """Return what it returned; raise what it raised if *propagate*."""
        del timeout
        if propagate and isinstance(self.result, BaseException):
            raise self.result
        return self.result

    wait = get

    def ready(self) -> bool:
        """Return True."""
        return True

    def successful(self) -> bool:
        """Tell whether it ended well."""
        return self.state == SUCCESS

    def failed(self) -> bool:
        """Tell whether it failed."""
        return self.state == FAILURE

    def revoke(self, *_args: Any, **_others: Any) -> None:
        """Do nothing: it has run."""


def refuse_group(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: results of many are ``kiq.results(jids)``."""
    raise ConfigError("GroupResult and ResultSet are not here; write kiq.results([jid, ...])")
