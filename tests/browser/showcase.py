"""A shop that looks like one, for the pictures of docs/web.md: ``push()`` is minutes of its life."""

from __future__ import annotations

import random
import threading
import time

import kiq
from kiq import limits
from kiq.api import Queue, mark

CARDS = limits.window("card-payments", 50, per=1)
IMPORTS = limits.concurrent("imports", 2, key="account")


class WelcomeMail(kiq.Job, name="shop.WelcomeMail", queue="mailers"):
    """Quick."""

    def perform(self, user: int, locale: str = "en") -> None:
        time.sleep(random.uniform(0.005, 0.04))


class ChargeCard(kiq.Job, name="shop.ChargeCard", queue="payments", limit=CARDS):
    """Fails now and then."""

    def perform(self, invoice: int, cents: int) -> None:
        time.sleep(random.uniform(0.02, 0.2))
        if invoice % 9 == 0:
            raise ConnectionError(f"gateway did not answer invoice {invoice} within 5 s")
        if invoice % 31 == 0:
            raise ValueError(f"invoice {invoice} has no customer")


class Thumbnail(kiq.Job, name="shop.Thumbnail", queue="media", unique=True):
    """Middling."""

    def perform(self, picture: str, width: int) -> None:
        time.sleep(random.uniform(0.05, 0.5))


class ImportOrders(
    kiq.Job, name="shop.ImportOrders", queue="imports", limit=IMPORTS, result_ttl=3600
):
    """Long, and tells how far it is."""

    def perform(self, account: int, file: str) -> None:
        for page in range(400):
            self.progress(page, 400, note=f"page {page} of {file}")
            if self.interrupted:
                return
            time.sleep(0.5)


class Recount(kiq.Job, name="shop.Recount", queue="low"):
    """Of a batch."""

    def perform(self, account: int) -> None:
        time.sleep(0.1)
        if account % 40 == 0:
            raise LookupError(f"account {account} is not there")


@kiq.periodic("0 3 * * *", timezone="Europe/Berlin", name="nightly-report")
@kiq.periodic(every="20s", name="heartbeat")
class Report(kiq.Job, name="shop.Report", queue="low"):
    """Each night, and each 20 seconds."""

    def perform(self) -> None:
        time.sleep(0.2)


def push(seconds: float) -> None:
    """Push for *seconds*, as users do."""
    chance, nothing = random.Random(7), threading.Event()
    for number in range(300):
        WelcomeMail.perform_in(chance.uniform(60, 20 * 3600), number)
    with kiq.Batch("recount after the move", tags=["accounts"]):
        Recount.perform_bulk([(account,) for account in range(1, 200)])
        with kiq.Batch("orders of March"):
            for account in range(4):
                ImportOrders.perform_async(account, f"march-{account}.csv")
    Thumbnail.set(queue="archive").perform_async("cat.png", 128)
    Queue("archive").pause(reason="the disk is being replaced, until 16:00")
    until, invoice, marked = time.monotonic() + seconds, 0, False
    while time.monotonic() < until:
        for _ in range(chance.randrange(4, 9)):
            invoice += 1
            ChargeCard.perform_async(invoice, chance.randrange(100, 20_000))
            WelcomeMail.perform_async(invoice, locale=chance.choice(["en", "de", "fr"]))
            Thumbnail.perform_async(f"picture-{invoice}.jpg", chance.choice([128, 512]))
        if not marked and time.monotonic() > until - seconds / 3:
            mark("v2.7")
            marked = True
        nothing.wait(0.4)


if __name__ == "__main__":
    push(200)
