"""The job, and what follows when all are done."""

from __future__ import annotations

from pathlib import Path

import models

import kiq


class Recount(kiq.Job, queue="recount"):
    """Counts one row anew."""

    def perform(self, model: str, number: int) -> None:
        models.recount(model, number)


class Announce(kiq.Job, queue="recount"):
    """Says that all rows are counted. It is pushed once, when the last of them has succeeded."""

    def perform(self, note: str) -> None:
        status = self.batch.status()
        Path(note).write_text(f"{status.succeeded} rows counted, {models.wrong()} wrong\n")


def recount_all(note: str) -> None:
    """Push a job for each row, as one batch."""
    with kiq.Batch("recount", on_success=Announce.args(note)):
        for model in models.MODELS:
            Recount.perform_bulk([(model, number) for number in models.ids(model)])
