"""All mutants."""

from __future__ import annotations

from tests.mutants import control, guards, health, parents, processes, scripts, unique

MUTANTS = (
    *scripts.MUTANTS,
    *guards.MUTANTS,
    *processes.MUTANTS,
    *control.MUTANTS,
    *parents.MUTANTS,
    *unique.MUTANTS,
    *health.MUTANTS,
)
