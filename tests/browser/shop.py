"""A shop whose jobs make every page of the web UI show something, with names as hostile as can be."""

from __future__ import annotations

import time

import kiq
from kiq import limits

#: It would say so if it ever came to be markup; and no page may become wider by it.
EVIL = "<img src=x onerror=alert(1)>\"'&amp;{{7*7}}\u202e" + "w" * 200
SLOTS = limits.concurrent("imports", 1, key="account")


class Mail(kiq.Job, queue="mailers"):
    """Done at once."""

    def perform(self, to: str, password: str = "") -> None: ...


class Charge(kiq.Job, queue="payments"):
    """Fails, and is retried."""

    def perform(self, invoice: int, note: str = "") -> None:
        raise RuntimeError(f"card {invoice} was declined {note}")


class Lost(kiq.Job, queue="payments", retry=0):
    """Fails, and is dead."""

    def perform(self, note: str) -> None:
        raise ValueError(note)


class Report(kiq.Job, queue="reports", result_ttl=600, history=True):
    """Runs until the worker is stopped, and tells how far it is."""

    def perform(self, note: str = "") -> None:
        self.progress(40, 100, note=f"page 40 {note}")
        while not self.interrupted:
            time.sleep(0.05)


class Import(kiq.Job, queue="reports", limit=SLOTS, unique=True):
    """Never done by this shop's worker: it is of a queue that nobody takes."""

    def perform(self, account: str) -> None: ...


class Slot(kiq.Job, queue="reports", limit=SLOTS):
    """Holds its slot until the worker is stopped."""

    def perform(self, account: str) -> None:
        while not self.interrupted:
            time.sleep(0.05)


@kiq.periodic("30 2 * * *", timezone="Europe/Berlin", name="nightly")
class Nightly(kiq.Job, queue="mailers"):
    """Each night."""

    def perform(self) -> None: ...
