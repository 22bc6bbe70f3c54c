"""What a mail server refuses for good is dead at once; all else is tried again."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import Kill


@contextmanager
def refusals_are_final() -> Iterator[None]:
    """Raise Kill in place of what smtplib raises where another attempt would fail alike.

    5xx for the sender, for the content, or for all recipients. Not a wrong password (535), which somebody
    may mend, nor a connection that broke: then the server may have the message or not, and it is sent
    again, with the same ``Message-ID``.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= 500 for code, _ in error.recipients.values()):
            raise Kill(f"the mail server refuses its recipients: {error}") from error
        raise
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        if error.smtp_code >= 500:
            raise Kill(f"the mail server refuses it: {error}") from error
        raise
