"""All mutants."""

from __future__ import annotations

from tests.mutants import control, processes, scripts

MUTANTS = (*scripts.MUTANTS, *processes.MUTANTS, *control.MUTANTS)
