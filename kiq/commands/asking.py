"""Questions before what can't be taken back."""

from __future__ import annotations

import sys

import click


class _Refused(click.ClickException):
    exit_code = 2


def sure(question: str, yes: bool) -> None:
    """Return when the person says yes, or said ``--yes``; else end the command.

    Without a terminal to ask on the command is refused (exit code 2); a no ends it with exit code 1.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise _Refused(f"{question} Nobody is here to say so: add --yes.")
    click.confirm(question, abort=True, err=True)
