"""Periodic jobs: entries in the file, in code and by hand, each tick with one job, in the whole fleet.

``declared`` has how they are written. ``offering`` brings a process's own into Redis, ``ticker`` does what
is due (``deciding`` says what), ``pushing`` pushes with the mark that a tick was taken, ``reader`` is for
people.
"""

from __future__ import annotations

from .reader import PeriodicJob, PeriodicSet, Tick

__all__ = ["PeriodicJob", "PeriodicSet", "Tick"]
