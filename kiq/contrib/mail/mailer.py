"""Mail by reference: a function that makes a message, called where it is sent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from email.message import EmailMessage
from typing import Generic, ParamSpec, Unpack

from ... import function_job
from ...context import current_job
from ...plugins.declared import Options
from .refusals import refusals_are_final
from .sending import send
from .stamping import stamp

P = ParamSpec("P")


class Mailer(Generic[P]):
    """A function that makes a message of arguments that a job carries: an id, not a user.

    Calling it makes the message, and sends nothing. ``job`` is the job that sends it.
    """

    def __init__(self, makes: Callable[P, EmailMessage], options: Options) -> None:
        functools.update_wrapper(self, makes)
        self._makes = makes

        @functools.wraps(makes)
        def delivered(*args: P.args, **kwargs: P.kwargs) -> None:
            job = current_job()
            self._send(stamp(makes(*args, **kwargs), job.jid if job is not None else None))

        delivered.__annotations__ = {**makes.__annotations__, "return": None}
        self.job: function_job.FunctionJob[P, None] = function_job.job(**options)(delivered)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> EmailMessage:
        """Return the message."""
        return self._makes(*args, **kwargs)

    def deliver_now(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make the message and send it here. Raises Kill for what the server refuses for good."""
        self._send(stamp(self._makes(*args, **kwargs)))

    def deliver_later(self, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push a job that makes the message and sends it; return its jid. ``.job`` takes more, as times."""
        return self.job.perform_async(*args, **kwargs)

    @staticmethod
    def _send(message: EmailMessage) -> None:
        with refusals_are_final():
            send(message)


def mailer(**options: Unpack[Options]) -> Callable[[Callable[P, EmailMessage]], Mailer[P]]:
    """Make a function that returns a message one that jobs deliver: ``@mailer(queue="mailers")``."""

    def made(makes: Callable[P, EmailMessage]) -> Mailer[P]:
        return Mailer(makes, options)

    return made
