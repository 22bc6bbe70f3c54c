"""An application context around each job, as Flask has one around each request."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_app_context

from ...errors import Shutdown
from ...middleware import Next, ServerContext
from ...plugin import Host


class Contexts:
    """The plugin ``flask``: each job runs in an application context of its own, the outermost layer.

    So ``current_app``, ``g`` and extensions work, and what is torn down with a context (the session of
    Flask-SQLAlchemy) is torn down after each job, by the error that it ended with. A job that runs here and
    now (``perform_inline``) has the context of its caller, if there is one.
    """

    cleans_up = True
    name = "flask"

    def __init__(self, app: Flask) -> None:
        self.app = app

    def install(self, host: Host) -> None:
        """Attach to *host*."""
        self._host = host
        host.on("startup")(self._be_outermost)
        self._be_outermost()

    def _be_outermost(self) -> None:
        """Stand around what was attached since: sessions are removed within their context."""
        self._host.server_middleware.prepend(self)

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job; an error in what is torn down after it is reported, and fails no job."""
        if not run.in_worker and has_app_context():
            return call_next(run)
        context = self.app.app_context()
        context.push()
        error: BaseException | None = None
        try:
            return call_next(run)
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                context.pop(error)
            except (Exception, Shutdown) as left:  # noqa: BLE001 (the job is done, whatever is torn down)
                self._host.report(left, {"context": "the end of an app context", "jid": run.jid})
