"""What the shop does in the background."""

from __future__ import annotations

import time
from email.message import EmailMessage
from typing import Any

import flask
from models import users

import kiq
from kiq.contrib import mail


@mail.mailer()
def welcome(user_id: int) -> EmailMessage:
    """Make the mail that welcomes somebody: where it is sent, of what is known by then."""
    user = next(each for each in users() if each.id == user_id)
    message = EmailMessage()
    message["Subject"] = f"Welcome to {flask.current_app.config['SHOP']}"
    message["From"], message["To"] = "shop@example.org", user.address
    message.set_content(f"Hello {user.name}, it is good to see you.\n")
    return message


class Report(kiq.Job, result_ttl=3600):
    """A report that somebody waits for; the page shows how far it is."""

    def perform(self, ordered_by: str) -> dict[str, Any]:
        everybody = users()
        for number, _user in enumerate(everybody, 1):
            self.progress(number, total=len(everybody), note="counting")
            time.sleep(0.05)
        return {"ordered by": ordered_by, "users": len(everybody)}


@kiq.periodic("30 2 * * *", timezone="Europe/Berlin")
class NightlyReport(kiq.Job):
    """Tells each night how many users there are."""

    def perform(self) -> None:
        print(f"nightly report: {len(users())} users", flush=True)
