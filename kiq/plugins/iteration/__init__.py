"""Iterable jobs: :class:`IterableJob`, and enumerators for its ``build``; ``kiq.iteration`` for short."""

from __future__ import annotations

from .enumerators import (
    Enumerator,
    counted,
    keyset,
    keyset_batches,
    nested,
    pages,
    sequence,
    token_pages,
)
from .files import csv_batches, csv_rows, lines
from .job import IterableJob
from .plugin import IterationPlugin
from .state import IterationState

__all__ = [
    "Enumerator",
    "IterableJob",
    "IterationPlugin",
    "IterationState",
    "counted",
    "csv_batches",
    "csv_rows",
    "keyset",
    "keyset_batches",
    "lines",
    "nested",
    "pages",
    "sequence",
    "token_pages",
]
