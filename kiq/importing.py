"""Whether a worker imports the application: a push is a mistake then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

from .errors import ConfigError

#: What this thread imports for a worker; None as a rule.
at_work: ContextVar[str | None] = ContextVar("kiq_importing", default=None)


class PushedTooEarly(ConfigError):
    """A job was pushed at the top of a module that a worker imports."""


@contextmanager
def importing(what: str) -> Iterator[None]:
    """Refuse pushes on this thread meanwhile: *what* is being imported by a worker.

    A push at the top of a module would push once more at each start of each worker.
    """
    token = at_work.set(what)
    try:
        yield
    finally:
        at_work.reset(token)


def refuse_while_importing(name: str, what: str) -> NoReturn:
    """Raise PushedTooEarly for a push of the job *name* while *what* is imported."""
    raise PushedTooEarly(
        f"{name} was pushed while a worker imports {what}: every start of a worker "
        'would push it again. Put the push under `if __name__ == "__main__":`'
    )
