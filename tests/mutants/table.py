"""All mutants."""

from __future__ import annotations

from tests.mutants import processes, scripts

MUTANTS = (*scripts.MUTANTS, *processes.MUTANTS)
