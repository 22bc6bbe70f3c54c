"""What each message has before it is sent: an id and a date."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr


def stamp(message: EmailMessage, jid: str | None = None) -> EmailMessage:
    """Give *message* a ``Message-ID`` and a ``Date`` where it has none, and return it.

    With *jid* the id is that of the job: each of its attempts sends the same.
    """
    if message["Message-ID"] is None:
        domain = parseaddr(str(message["From"] or ""))[1].rpartition("@")[2]
        message["Message-ID"] = f"<{jid}.kiq@{domain}>" if jid and domain else make_msgid()
    if message["Date"] is None:
        message["Date"] = format_datetime(datetime.now().astimezone())
    return message
