"""``kiq jobs``: workers as Delayed Job's rake tasks and its script start them."""

from __future__ import annotations

import click

from .checking import check
from .clearing import clear
from .daemons import restart, run, start, status, stop
from .working import work, workoff

__all__ = ["jobs"]


@click.group()
def jobs() -> None:
    """Workers as `rake jobs:work` and `script/delayed_job` start them: by QUEUE, --pool and others."""


for _command in (work, workoff, clear, check, start, stop, restart, status, run):
    jobs.add_command(_command)
