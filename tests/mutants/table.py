"""All mutants."""

from __future__ import annotations

from tests.mutants import (
    batches,
    control,
    expiry,
    finding,
    guards,
    health,
    limits,
    parents,
    periodic,
    processes,
    results,
    scripts,
    undo,
    unique,
)

MUTANTS = (
    *scripts.MUTANTS,
    *guards.MUTANTS,
    *processes.MUTANTS,
    *control.MUTANTS,
    *parents.MUTANTS,
    *batches.MUTANTS,
    *unique.MUTANTS,
    *limits.MUTANTS,
    *periodic.MUTANTS,
    *expiry.MUTANTS,
    *results.MUTANTS,
    *finding.MUTANTS,
    *health.MUTANTS,
    *undo.MUTANTS,
)
