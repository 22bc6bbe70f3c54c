"""Which classes of an application are jobs in the manner of Resque."""

from __future__ import annotations

from ..application import config_in_use as config_in_use
from ..application import found_in_it
from .job_classes import is_one


def classes() -> list[type]:
    """Return those at the top of the modules that a worker imports, and of the modules inside of these."""
    return list(dict.fromkeys(each for each in found_in_it() if is_one(each)))
